/**
 * JavaScript Promise Integration, which suspends WebAssembly code until a promise is settled
 * (github.com/WebAssembly/js-promise-integration). TypeScript has no types for it yet.
 */
interface PromiseIntegration {
  /** An import that may return a promise: the caller is suspended until it is settled. */
  readonly Suspending: new <A extends number[]>(
    call: (...args: A) => number | Promise<number>,
  ) => WebAssembly.ImportValue
  /** An export in which suspending imports may be called. */
  promising<A extends number[], R>(call: (...args: A) => R): (...args: A) => Promise<R>
}

const engine = WebAssembly as unknown as Partial<PromiseIntegration>

export function hasPromiseIntegration(): boolean {
  return engine.Suspending !== undefined && engine.promising !== undefined
}

/** @throws Error if the engine has no JSPI */
export function promiseIntegration(): PromiseIntegration {
  const { Suspending, promising } = engine
  if (Suspending === undefined || promising === undefined)
    throw new Error('this JavaScript engine has no JSPI (WebAssembly.Suspending)')
  return { Suspending, promising }
}
