/**
 * Says which step of how many runs, and how long it took. On a terminal the line of the running step is rewritten in
 * place; elsewhere (a CI log) a step prints one line when it starts to work and one when it is done.
 */
const terminal = process.stdout.isTTY === true

export interface Step {
  /** Replaces the detail shown behind the step's title, such as "812 objects". */
  detail(text: string): void
}

export class Progress {
  #number = 0
  readonly #total: number
  readonly #began = Date.now()

  constructor(total: number) {
    this.#total = total
  }

  /** Runs one step; `reused` in the result means that nothing had to be done. */
  async step<T>(title: string, work: (step: Step) => Promise<T>): Promise<T> {
    this.#number++
    const label = `[${this.#number}/${this.#total}] ${title}`
    const began = Date.now()
    let detail = ''
    const show = () => process.stdout.write(`\r\x1b[K${label} ${detail} ${duration(Date.now() - began)}`)
    const timer = terminal ? setInterval(show, 500) : undefined
    if (terminal) show()
    else console.log(`${label} …`)
    try {
      const result = await work({
        detail: text => {
          detail = text
        },
      })
      const line = `${label} ${detail ? `(${detail}) ` : ''}${duration(Date.now() - began)}`
      console.log(terminal ? `\r\x1b[K${line}` : line)
      return result
    } finally {
      clearInterval(timer)
    }
  }

  /** Time since the first step began. */
  get elapsed(): string {
    return duration(Date.now() - this.#began)
  }
}

/** 83 s as "1:23", 4.2 s as "4.2 s". */
export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`
}
