/** PostgreSQL's initdb, as scripts call it: built for WebAssembly, and the cluster that it makes is one for this server. */
import { artefactsFolder } from '../../../wasm/node/artefacts.js'
import { runProgram } from '../../../wasm/node/run-program.js'
import { settingsOfProcess } from './environment.js'

process.exit(
  await runProgram(
    `${artefactsFolder()}/programs/initdb.wasm`,
    [`${artefactsFolder()}/bin/initdb`, ...process.argv.slice(2)],
    { environment: settingsOfProcess() },
  ),
)
