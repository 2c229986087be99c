import { messageOf } from "../base/errors.js";
import { start } from "../base/run.js";

/** An address to ask for: by ARP on an interface (RFC 5227 §2.1.1); without one by an ICMP echo, through routers. */
export interface ProbeTarget {
  interface?: string | undefined;
  address: string;
}

export interface AddressProbeEvents {
  /** Somebody has it. @param mac of a host on the interface; lower case with colons */
  onAnswer: (address: string, mac: string | undefined) => void;
  /** It cannot be asked there, or at all. */
  onError: (message: string) => void;
}

/** A prober that ended is started again after so long. */
const againMs = 10_000;

/**
 * Asks who uses an address. Node has no packet sockets: a small perl process has them, for as long as somebody asks. It ends
 * with its standard input, and thereby with us.
 */
export class AddressProbe implements AsyncDisposable {
  readonly #events: AddressProbeEvents;
  #process: ReturnType<typeof start> | undefined;
  #startedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(events: AddressProbeEvents) {
    this.#events = events;
  }

  /** @returns whether they are asked for; answers may come at any time after */
  ask(targets: readonly ProbeTarget[]): boolean {
    const input = this.#running()?.stdin;
    // One that does not read is no help.
    if (!input?.writable || input.writableLength > 65_536) return false;
    input.write(targets.map(({ interface: name, address }) => `${name ?? "-"} ${address}\n`).join(""));
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#process?.kill();
    await this.#process;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #running(): ReturnType<typeof start> | undefined {
    if (this.#process || this.#closed || performance.now() - this.#startedAt < againMs) return this.#process;
    this.#startedAt = performance.now();
    const child = start("perl", ["-e", script], { stdio: ["pipe", "pipe", "pipe"] });
    this.#process = child;
    let rest = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("latin1")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
    let complaint = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString("latin1")}`.slice(-500);
    });
    child.stdin!.on("error", () => {}); // it ended, of which we are told below
    const ended = (why: string) => {
      this.#process = undefined;
      if (!this.#closed) this.#events.onError(complaint.trim() || why);
    };
    child.then(
      ({ shortMessage }) => ended(shortMessage ?? "it ended"),
      (error: unknown) => ended(messageOf(error)),
    );
    return child;
  }

  #take(line: string): void {
    const [what, address = "", mac] = line.split(" ");
    if (what === "answer") this.#events.onAnswer(address, mac);
    else this.#events.onError(line);
  }
}

/**
 * Reads lines `INTERFACE ADDRESS`, or `- ADDRESS` for ICMP; writes `answer ADDRESS [MAC]`, and what fails as text. Numbers are
 * those of every Linux: AF_PACKET 17, SIOCGIFINDEX 0x8933, SIOCGIFHWADDR 0x8927 (packet(7), netdevice(7)).
 *
 * The ARP request has no sender address (RFC 5227 §2.1.1), so that nobody learns a wrong one from it; whoever says anything
 * from the address has it.
 */
const script = String.raw`
use strict;
$| = 1;
my (%links, %asked, $icmp, $rest);
my $arp = unpack("S", pack("n", 0x0806));
sub place { pack("S n i S C C a8", 17, 0x0806, $_[0], 1, 0, 6, "\xff" x 6) }
sub link_of {
  my ($name) = @_;
  return $links{$name} if $links{$name};
  socket(my $socket, 17, 2, $arp) or return;
  my $index = pack("a16 x24", $name);
  my $hardware = $index;
  ioctl($socket, 0x8933, $index) && ioctl($socket, 0x8927, $hardware) or return;
  $index = unpack("x16 i", $index);
  bind($socket, place($index)) or return;
  $links{$name} = { socket => $socket, to => place($index), mac => substr($hardware, 18, 6) };
}
sub ask_arp {
  my ($name, $target) = @_;
  my $link = link_of($name) or return;
  my $request = pack("n n C C n a6 x4 x6 a4", 1, 0x0800, 6, 4, 1, $link->{mac}, $target);
  return 1 if defined send($link->{socket}, $request, 0, $link->{to});
  delete $links{$name}; # gone, or made anew: looked up the next time
  return;
}
sub ask_icmp {
  my ($target) = @_;
  unless ($icmp) { socket($icmp, 2, 3, 1) or return }
  my $words = 0x0800 + ($$ & 0xffff);
  $words = ($words & 0xffff) + ($words >> 16);
  my $echo = pack("C C n n n", 8, 0, ~$words & 0xffff, $$ & 0xffff, 0);
  # No route, or a router that knows of nobody: nobody is there.
  send($icmp, $echo, 0, pack("S n a4 x8", 2, 0, $target));
  return 1;
}
for (;;) {
  my $ready = "";
  vec($ready, fileno($_), 1) = 1 for *STDIN, ($icmp || ()), map { $_->{socket} } values %links;
  select($ready, undef, undef, undef) > 0 or next;
  for my $link (values %links) {
    vec($ready, fileno($link->{socket}), 1) or next;
    my $packet;
    defined recv($link->{socket}, $packet, 128, 0) && length($packet) >= 28 or next;
    my ($mac, $sender) = unpack("x8 H12 a4", $packet);
    exists $asked{$sender} or next;
    print "answer ", join(".", unpack("C4", $sender)), " ", join(":", unpack("(a2)6", $mac)), "\n";
  }
  my $packet;
  if ($icmp && vec($ready, fileno($icmp), 1) && defined recv($icmp, $packet, 2048, 0)) {
    my $body = substr($packet, 4 * (ord($packet) & 15));
    my $sender = substr($packet, 12, 4);
    if (length($body) >= 8 && ord($body) == 0 && unpack("x4 n", $body) == ($$ & 0xffff) && exists $asked{$sender}) {
      print "answer ", join(".", unpack("C4", $sender)), "\n";
    }
  }
  vec($ready, fileno(STDIN), 1) or next;
  sysread(STDIN, $rest, 65536, length($rest || "")) or exit;
  my $now = time;
  if (keys %asked > 4096) { for (keys %asked) { delete $asked{$_} if $asked{$_} < $now - 5 } }
  while ($rest =~ s/^(\S+) ([\d.]+)\n//) {
    my ($name, $target) = ($1, pack("C4", split /\./, $2));
    $asked{$target} = $now;
    ($name eq "-" ? ask_icmp($target) : ask_arp($name, $target)) or print "$name: $!\n";
  }
}
`;
