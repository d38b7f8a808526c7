/** `--remote`: runs the bridge to a server elsewhere, until a signal stops it. */
import { type BridgeOptions, startBridge } from '../server/bridge/bridge.js'
import { hostInUrl } from '../server/network/listen-addresses.js'
import { SHUTDOWN_SIGNALS } from '../wasm/cluster/signals.js'

export async function bridge(options: BridgeOptions, quiet: boolean): Promise<void> {
  const { host, port, stop } = await startBridge({
    ...options,
    log: quiet ? undefined : line => void process.stderr.write(`${line}\n`),
  })
  const url = `postgres://postgres@${hostInUrl(host)}:${port}/postgres`
  const greeting = [
    `PostgreSQL is ready: ${url}`,
    `  by way of:         ${options.url}`,
    `  connect with:      psql -h ${host} -p ${port} -U postgres`,
    '  stop with:         Ctrl-C',
  ]
  console.log(quiet ? url : greeting.join('\n'))
  for (const signal of Object.values(SHUTDOWN_SIGNALS))
    process.on(signal, () => void stop().then(() => process.exit(0)))
}
