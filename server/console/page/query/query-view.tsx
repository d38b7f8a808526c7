/** The editor, what runs it, and what came of it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Report } from '../connection/messages.js'
import { copyText } from '../parts/clipboard.js'
import { csvOf } from '../parts/csv.js'
import { count, milliseconds } from '../parts/format.js'
import { Grid } from '../parts/grid.js'
import { PlanTree } from '../plan/plan-tree.js'
import { catalogChanges, lost, observer, session } from '../state.js'
import { languageOf } from './completion.js'
import { type Editor, makeEditor } from './editor.js'
import { ANALYZE, EXPLAIN, isNumeric, type Outcome, outcomes, rowsOf, run, running, shown } from './run.js'
import { type Statement, statementAt, statementsIn } from './statements.js'

/** The key of the editor's text in the storage of this tab. */
const STORED = 'pglite-imports-server console'

export function QueryView() {
  const host = useRef<HTMLDivElement>(null)
  const editor = useRef<Editor | undefined>(undefined)
  useEffect(() => {
    const actions = {
      run: () => void perform(editor.current!, ''),
      runOne: () => void perform(editor.current!, '', true),
      explain: () => void perform(editor.current!, EXPLAIN, true),
      cancel,
      changed: (text: string) => sessionStorage.setItem(STORED, text),
    }
    editor.current = makeEditor(host.current!, sessionStorage.getItem(STORED) ?? '', actions)
    editor.current.view.focus()
    return () => editor.current?.view.destroy()
  }, [])
  const { value: observing } = observer
  const { value: changes } = catalogChanges
  useEffect(() => {
    if (observing !== undefined)
      void languageOf(observing).then(
        language => editor.current?.complete(language),
        () => {},
      )
  }, [observing, changes])
  const act =
    (prefix: string, one = false) =>
    () =>
      void perform(editor.current!, prefix, one)
  const isRunning = running.value !== undefined
  return (
    <div class="query-part">
      <div class="toolbar" role="toolbar" aria-label="Query">
        <button
          type="button"
          class="primary"
          disabled={isRunning}
          onClick={act('')}
          title="Ctrl-Enter: the selection, or all"
        >
          Run
        </button>
        <button type="button" disabled={!isRunning} onClick={cancel} title="Escape in the editor">
          Cancel
        </button>
        <span class="gap" />
        <button
          type="button"
          disabled={isRunning}
          onClick={act(EXPLAIN, true)}
          title="Ctrl-Alt-Enter: how the statement at the cursor would run"
        >
          Explain
        </button>
        <button
          type="button"
          disabled={isRunning}
          onClick={act(ANALYZE, true)}
          title="runs the statement at the cursor, and measures it"
        >
          Analyze
        </button>
        <Clock />
      </div>
      <div class="editor" ref={host} />
      <Outcomes />
    </div>
  )
}

/** Cancels the statement that runs. Returns whether one does. */
function cancel(): boolean {
  if (running.value === undefined) return false
  session.value?.cancel()
  return true
}

async function perform(editor: Editor, prefix: string, one = false): Promise<void> {
  editor.mark(undefined)
  const { doc } = editor.view.state
  const error = await run(chosenStatements(editor, one), prefix)
  // In a text that has changed meanwhile, the place is another one.
  if (error !== undefined && editor.view.state.doc.eq(doc)) editor.mark(error)
}

/** The statements in the selection, or all; or only the one at the cursor. */
function chosenStatements(editor: Editor, one: boolean): Statement[] {
  const { text, from, all } = editor.chosen()
  const statements = statementsIn(text)
  if (one && all) {
    const statement = statementAt(statements, editor.view.state.selection.main.head)
    return statement === undefined ? [] : [statement]
  }
  return statements.map(statement => ({ ...statement, from: statement.from + from, to: statement.to + from }))
}

/** How long the statement has been running. */
function Clock() {
  const [, tick] = useState(0)
  const { value } = running
  useEffect(() => {
    if (value === undefined) return
    const timer = setInterval(() => tick(n => n + 1), 100)
    return () => clearInterval(timer)
  }, [value])
  if (value === undefined) return null
  const seconds = (performance.now() - value.since) / 1000
  return <span class="clock">{seconds.toFixed(1)} s</span>
}

function Outcomes() {
  const all = outcomes.value
  const outcome = all[shown.value]
  return (
    <section class="outcomes" aria-label="Results">
      {lost.value !== undefined && (
        <p class="banner" role="status">
          The session has ended ({lost.value}). The next statement opens a new one.
        </p>
      )}
      {all.length > 1 && (
        <div class="result-tabs" role="tablist" aria-label="Statements">
          {all.map((each, index) => (
            <button
              type="button"
              role="tab"
              key={index}
              aria-selected={index === shown.value}
              aria-controls="outcome"
              tabIndex={index === shown.value ? 0 : -1}
              class={each.error === undefined ? '' : 'failed'}
              onClick={() => choose(index)}
              onKeyDown={event => step(event, index, all.length)}
            >
              {index + 1} {each.error === undefined ? each.result?.tag || 'empty' : 'error'}
            </button>
          ))}
        </div>
      )}
      <div class="outcome" id="outcome" {...(all.length > 1 && { role: 'tabpanel', 'aria-label': 'Result' })}>
        {outcome === undefined ? <Advice /> : <OutcomeView outcome={outcome} />}
      </div>
    </section>
  )
}

function choose(index: number): void {
  shown.value = index
}

function step(event: KeyboardEvent, index: number, length: number): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  if (by === 0) return
  const next = (index + by + length) % length
  choose(next)
  const list = (event.currentTarget as HTMLElement).parentElement
  ;(list?.children[next] as HTMLElement | undefined)?.focus()
}

function Advice() {
  if (running.value !== undefined) return <p class="advice">running …</p>
  return (
    <p class="advice">
      <kbd>Ctrl</kbd> <kbd>Enter</kbd> runs the selection, or all statements, each on its own; with{' '}
      <kbd>Shift</kbd> the one at the cursor. <kbd>Escape</kbd> cancels.
    </p>
  )
}

function OutcomeView({ outcome }: { outcome: Outcome }) {
  const { result, error, plan, notices, types = [] } = outcome
  const fields = result?.fields
  return (
    <>
      {error !== undefined && <ReportView report={error} />}
      {notices.map((notice, index) => (
        <ReportView key={index} report={notice} />
      ))}
      {result !== undefined && (
        <div class="facts">
          <span role="status">
            {result.tag || 'empty statement'}
            {fields !== undefined && result.tag === '' && `, ${count(result.rows.length)} rows`}
          </span>
          <span>{milliseconds(result.milliseconds)}</span>
          {result.more && (
            <span class="warning">only the first {count(result.rows.length)} rows were fetched</span>
          )}
          {fields !== undefined && plan === undefined && (
            <button type="button" class="small" onClick={() => copyAll(outcome)}>
              Copy as CSV
            </button>
          )}
        </div>
      )}
      {plan !== undefined ? (
        <PlanTree key={outcome} plan={plan} />
      ) : (
        fields !== undefined && (
          <Grid
            key={outcome}
            label="Rows"
            columns={fields.map((field, index) => ({
              name: field.name,
              type: types[index] ?? '',
              numeric: isNumeric(field),
            }))}
            rows={rowsOf(result!)}
          />
        )
      )}
    </>
  )
}

function copyAll({ result }: Outcome): void {
  const { fields, rows } = result!
  const all = Array.from({ length: rows.length }, (_, index) => rows.at(index))
  void copyText(
    csvOf(
      fields!.map(({ name }) => name),
      all,
    ),
  )
}

/** An error or a notice, as psql prints it. */
function ReportView({ report }: { report: Report }) {
  const isError = /ERROR|FATAL|PANIC/.test(report.severity)
  return (
    <div class={`report ${isError ? 'error' : 'notice'}`} role={isError ? 'alert' : 'status'}>
      <p>
        <b>{report.severity}</b> {report.message} {report.code !== '' && <code>{report.code}</code>}
      </p>
      {report.detail && <p>Detail: {report.detail}</p>}
      {report.hint && <p>Hint: {report.hint}</p>}
      {isError && report.where && <p class="where">{report.where}</p>}
    </div>
  )
}
