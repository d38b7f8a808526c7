/** Copies a text, or shows it where the browser does not let pages copy, as those that come by plain HTTP from another machine. */
import { showText } from './dialog.js'

export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    showText('The browser does not let the page copy this', text)
  }
}
