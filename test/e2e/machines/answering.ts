import type { IgnitionConfig } from "../../../src/ignition/config.js";

/** Says, on TCP and UDP port 80, who answers and who asked. Perl is what Debian's essential packages have. */
const program = `
use IO::Socket::INET;
my $who = join " ", @ARGV;
if (!fork) {
  my $udp = IO::Socket::INET->new(LocalPort => 80, Proto => "udp") or die $!;
  while (defined $udp->recv(my $text, 100)) { $udp->send("$who " . $udp->peerhost . "\\n"); }
}
my $tcp = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1) or die $!;
while (my $client = $tcp->accept) { print $client "$who " . $client->peerhost . "\\n"; close $client; }
`;

/** Asks over TCP; from an address of its own when given one. */
const asking = `
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(PeerAddr => $ARGV[0], Timeout => 3, $ARGV[1] ? (LocalAddr => $ARGV[1]) : ()) or die "no answer: $@\\n";
print <$socket>;
`;

const data = (text: string) => ({ source: `data:;base64,${Buffer.from(text).toString("base64")}` });

/** A node that answers as `who`, and has an address of its pods' range. */
export const answering = (who: string, podAddress: string): IgnitionConfig => ({
  ignition: { version: "3.4.0" },
  storage: {
    files: [
      { path: "/opt/answer.pl", contents: data(program) },
      { path: "/opt/ask.pl", contents: data(asking) },
    ],
  },
  systemd: {
    units: [
      {
        name: "answer.service",
        enabled: true,
        contents: `[Service]
ExecStartPre=/bin/sh -c 'ip address add ${podAddress}/32 dev lo'
ExecStart=/usr/bin/perl /opt/answer.pl ${who}
[Install]
WantedBy=multi-user.target
`,
      },
    ],
  },
});
