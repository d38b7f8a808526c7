/** Describes the machine of a run, without which the numbers mean nothing. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import type { NativeTree } from './native-tree.js'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memory: string
  readonly kernel: string
  readonly distribution: string
  /** Version of the Node that runs our server. */
  readonly node: string
  /** Load average of the minute before. */
  readonly load: number
}

/** @param node the Node that runs our server */
export function describeMachine(node: string): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    distribution: /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown',
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    load: loadavg()[0] ?? 0,
  }
}

/** Round trips of measurePingPong(). */
const ROUND_TRIPS = 20_000

/** Two processes on a TCP connection of this machine, one of which sends back each byte that it gets; prints microseconds. */
const PING_PONG = `
use strict; use IO::Socket::INET; use Socket qw(IPPROTO_TCP TCP_NODELAY); use Time::HiRes 'time';
my $listener = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1', Proto => 'tcp') or die;
my $child = fork();
if (!$child) {
  my $peer = $listener->accept();
  setsockopt($peer, IPPROTO_TCP, TCP_NODELAY, 1);
  my $byte;
  while (sysread($peer, $byte, 1)) { syswrite($peer, $byte) }
  exit;
}
my $peer = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport, Proto => 'tcp') or die;
setsockopt($peer, IPPROTO_TCP, TCP_NODELAY, 1);
my ($began, $byte) = time();
for (1 .. ${ROUND_TRIPS}) { syswrite($peer, 'x'); sysread($peer, $byte, 1) }
print((time() - $began) * 1e6 / ${ROUND_TRIPS}, "\\n");
close($peer); waitpid($child, 0);
`

/**
 * Microseconds that a byte takes from one native process to another and back. It is what a statement costs at least, and tells how
 * dear it is on this machine to wake a process: where that is cheap, native PostgreSQL is at its best.
 */
export async function measurePingPong(tree: NativeTree): Promise<number> {
  const child = tree.spawn('/usr/bin/perl', ['-e', PING_PONG], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  await once(child, 'close')
  return Number(output)
}
