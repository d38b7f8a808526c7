/**
 * Preloaded into the server by crash.test.ts, to make its processes crash. Node runs it in every thread.
 *
 * On the main thread it ends the thread of a process on request, as the operating system ends one by SIGKILL: at any
 * instruction, with nothing cleaned up. A request is a message with the slot of the process.
 *
 * In the thread of a process it lets the code trap when a client sends the word TRAP.
 */
import { isMainThread, Worker } from 'node:worker_threads'

if (isMainThread) {
  const threads = new Map()
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (message, ...rest) {
    if (message?.slot !== undefined) threads.set(message.slot, this)
    return postMessage.call(this, message, ...rest)
  }
  process.on('message', slot => threads.get(slot).terminate())
  // The channel must not keep the server running.
  process.channel.unref()
} else {
  const { Instance } = WebAssembly
  // The smallest module there is with a function that does what is not possible: (func (export "trap") unreachable)
  const bytes = '0061736d0100000001040160000003020100070801047472617000000a05010300000b'
  const { trap } = new Instance(new WebAssembly.Module(Buffer.from(bytes, 'hex'))).exports

  WebAssembly.Instance = function (module, imports) {
    const read = imports?.env?.pglite_js_read
    if (read === undefined) return new Instance(module, imports)
    const watched = (buffer, length) => {
      const received = read(buffer, length)
      const bytes = new Uint8Array(imports.env.memory.buffer, buffer >>> 0, Math.max(0, received))
      if (Buffer.from(bytes).includes('TRAP')) trap()
      return received
    }
    return new Instance(module, { ...imports, env: { ...imports.env, pglite_js_read: watched } })
  }
}
