import { start } from "../../base/run.js";

/** An ICMPv6 message of a neighbour, and the link-local address it is from. */
export interface Solicitation {
  from: string;
  message: Buffer;
}

export interface SolicitationSocket extends AsyncDisposable {
  /** Sends an ICMPv6 message to a link-local address. */
  send(to: string, message: Buffer): void;
}

/**
 * Hears router solicitations on an interface, and speaks ICMPv6 there. Node has no raw sockets; perl, which every Debian has, has.
 * It ends with this process, as its standard input does.
 *
 * @param onEnd told why it hears nothing, when it does not or no more: no IPv6 there, say
 */
export function openSolicitationSocket(
  interfaceName: string,
  onSolicitation: (solicitation: Solicitation) => void,
  onEnd: (why: string) => void,
): SolicitationSocket {
  const perl = start("perl", ["-e", program, interfaceName], { stdio: ["pipe", "pipe", "pipe"] });
  let closing = false;
  let complaint = "";
  let rest = "";
  perl.stdin!.on("error", () => {});
  perl.stderr!.setEncoding("utf8").on("data", (text: string) => {
    complaint = `${complaint}${text}`.slice(-500);
  });
  perl.stdout!.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const [from = "", hex = ""] = line.split(" ");
      onSolicitation({ from, message: Buffer.from(hex, "hex") });
    }
  });
  const ended = perl.then(({ failed, originalMessage }) => {
    if (!closing) onEnd(complaint.trim() || (failed ? (originalMessage ?? "perl failed") : "perl ended"));
  });
  return {
    send: (to, message) => void perl.stdin!.write(`${to} ${message.toString("hex")}\n`),
    async [Symbol.asyncDispose]() {
      closing = true;
      perl.kill("SIGTERM");
      await ended;
    },
  };
}

/**
 * Prints `ADDRESS HEX` for each solicitation, sends what it reads so. Numbers that perl's Socket lacks are Linux's: SO_BINDTODEVICE 25,
 * SIOCGIFINDEX 0x8933, ICMP6_FILTER 1 (a bit for each type that is not wanted; 133 is), IPV6_UNICAST_HOPS 16: RFC 4861 wants 255.
 */
const program = `
use strict;
use Socket qw(:all);
my $name = $ARGV[0];
socket(my $socket, AF_INET6, SOCK_RAW, 58) or die "ICMPv6: $!\\n";
my $request = pack("Z16 x24", $name);
ioctl($socket, 0x8933, $request) or die "$name: $!\\n";
my $index = unpack("x16 i", $request);
my @unwanted = (0xffffffff) x 8;
$unwanted[133 >> 5] ^= 1 << (133 & 31);
setsockopt($socket, SOL_SOCKET, 25, pack("Z*", $name)) or die "$name: $!\\n";
setsockopt($socket, 58, 1, pack("L8", @unwanted)) or die "$name: $!\\n";
setsockopt($socket, IPPROTO_IPV6, 16, pack("i", 255)) or die "$name: $!\\n";
my $routers = pack_ipv6_mreq(inet_pton(AF_INET6, "ff02::2"), $index);
setsockopt($socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, $routers) or die "$name: $!\\n";
$| = 1;
my $words = "";
while (1) {
  my $ready = "";
  vec($ready, $_, 1) = 1 for fileno(STDIN), fileno($socket);
  select($ready, undef, undef, undef) < 0 and next;
  if (vec($ready, fileno($socket), 1) and my $from = recv($socket, my $message, 1500, 0)) {
    my (undef, $address) = unpack_sockaddr_in6($from);
    print inet_ntop(AF_INET6, $address), " ", unpack("H*", $message), "\\n";
  }
  if (vec($ready, fileno(STDIN), 1)) {
    sysread(STDIN, $words, 4096, length $words) or exit;
    while ($words =~ s/^(\\S+) (\\S+)\\n//) {
      send($socket, pack("H*", $2), 0, pack_sockaddr_in6(0, inet_pton(AF_INET6, $1), $index));
    }
  }
}
`;
