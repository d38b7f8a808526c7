/** Waiting for something that another session or process does, without guessing how long that takes. */

const DEADLINE = 45_000

/** Asks again and again until the answer is yes. `what` completes "waited in vain until …", after so many milliseconds. */
export async function until(
  what: string,
  holds: () => Promise<boolean> | boolean,
  deadline = DEADLINE,
): Promise<void> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > deadline) throw new Error(`waited in vain until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
