/** How one test went. */
export interface Outcome {
  /** Its name within its suite. */
  readonly test: string
  readonly result: 'passed' | 'failed' | 'skipped'
  /** What there is to say about it, in lines. */
  readonly details: readonly string[]
}
