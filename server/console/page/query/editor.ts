/** The SQL editor: CodeMirror in a shadow root, where its styles are not inline ones, which the page's policy forbids. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { PostgreSQL } from '@codemirror/lang-sql'
import { bracketMatching, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view'
import { highlighting, theme } from './theme.js'

/** What the keys of the editor do. */
export interface EditorActions {
  /** Runs the selection or, without one, all. */
  run(): void
  /** Runs the statement at the cursor. */
  runOne(): void
  explain(): void
  /** Cancels the statement that runs. Returns whether one does. */
  cancel(): boolean
  changed(text: string): void
}

export interface Editor {
  readonly view: EditorView
  /** The text that is selected, or all, and where it begins. */
  chosen(): { text: string; from: number; all: boolean }
  complete(language: Extension): void
  /** Marks a place, or nothing. */
  mark(place: { from: number; message: string } | undefined): void
}

export function makeEditor(host: HTMLElement, text: string, actions: EditorActions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const language = new Compartment()
  const act = (action: () => void) => (view: EditorView) => {
    closeCompletion(view)
    action()
    return true
  }
  const keys = [
    { key: 'Mod-Enter', run: act(actions.run), preventDefault: true },
    { key: 'Mod-Shift-Enter', run: act(actions.runOne), preventDefault: true },
    { key: 'Mod-Alt-Enter', run: act(actions.explain), preventDefault: true },
  ]
  const state = EditorState.create({
    doc: text,
    extensions: [
      Prec.highest(keymap.of(keys)),
      language.of(PostgreSQL),
      lineNumbers(),
      lintGutter(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false }),
      highlightActiveLine(),
      highlightSelectionMatches(),
      search({ top: true }),
      syntaxHighlighting(highlighting),
      theme,
      placeholder('select …'),
      EditorView.contentAttributes.of({ 'aria-label': 'SQL' }),
      EditorView.updateListener.of(update => {
        if (update.docChanged) actions.changed(update.state.doc.toString())
      }),
      keymap.of([
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...defaultKeymap,
        { key: 'Escape', run: () => actions.cancel() },
      ]),
    ],
  })
  const view = new EditorView({ state, parent: root as unknown as Element, root })
  return {
    view,
    chosen() {
      const { main } = view.state.selection
      const all = main.empty
      const { from, to } = all ? { from: 0, to: view.state.doc.length } : main
      return { text: view.state.sliceDoc(from, to), from, all }
    },
    complete(extension) {
      view.dispatch({ effects: language.reconfigure(extension) })
    },
    mark(place) {
      const found: Diagnostic[] = place === undefined ? [] : [diagnostic(view.state, place)]
      view.dispatch(setDiagnostics(view.state, found))
      if (found[0] !== undefined)
        view.dispatch({ selection: { anchor: found[0].from }, scrollIntoView: true })
    },
  }
}

/** Marks the word at a place, or one character. */
function diagnostic(
  state: EditorState,
  { from: place, message }: { from: number; message: string },
): Diagnostic {
  const from = Math.min(place, state.doc.length)
  const to = state.wordAt(from)?.to ?? Math.min(from + 1, state.doc.length)
  return { from: from === to ? Math.max(0, from - 1) : from, to, severity: 'error', message }
}
