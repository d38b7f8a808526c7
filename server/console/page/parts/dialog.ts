/** Dialogs: one with a value, and one that asks before something is ended. */

/** Shows a whole value, JSON with line breaks. */
export function showText(title: string, value: string | null): void {
  const text = document.createElement('pre')
  text.tabIndex = 0
  text.textContent = value === null ? 'NULL' : formatted(value)
  void show(title, text, ['Close'])
}

/** Asks a question. Resolves to whether the first button was chosen. */
export async function confirmed(question: string, action: string): Promise<boolean> {
  const text = document.createElement('p')
  text.textContent = question
  return (await show(action, text, [action, 'Do nothing'])) === action
}

function show(title: string, content: HTMLElement, actions: readonly string[]): Promise<string> {
  const dialog = document.createElement('dialog')
  const heading = document.createElement('h2')
  heading.textContent = title
  heading.id = 'dialog-title'
  dialog.setAttribute('aria-labelledby', heading.id)
  const buttons = document.createElement('div')
  buttons.className = 'buttons'
  for (const action of actions) {
    const button = document.createElement('button')
    button.textContent = action
    button.type = 'button'
    button.onclick = () => dialog.close(action)
    buttons.append(button)
  }
  dialog.append(heading, content, buttons)
  document.body.append(dialog)
  const before = document.activeElement as HTMLElement | null
  return new Promise(resolve => {
    dialog.onclose = () => {
      dialog.remove()
      before?.focus()
      resolve(dialog.returnValue)
    }
    dialog.showModal()
    // What does no harm is chosen by Enter.
    ;(buttons.lastElementChild as HTMLElement).focus()
  })
}

function formatted(text: string): string {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
