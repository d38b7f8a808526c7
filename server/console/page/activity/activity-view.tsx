/** Sessions, what they wait for, and who waits for whom. */
import { useMemo, useState } from 'preact/hooks'
import { duration } from '../parts/format.js'
import { Page } from '../parts/page.js'
import { usePolled } from '../parts/polling.js'
import { type SortableColumn, SortableTable } from '../parts/sortable-table.js'
import { activityOf, type SessionRow } from './activity.js'
import { LockGraph } from './lock-graph.js'
import { SessionActions } from './session-actions.js'

const INTERVAL = 1500

/** Of a session of another user PostgreSQL may not tell what it is. */
const isClient = ({ type, user }: SessionRow) => type === 'client backend' || (type === '' && user !== '')

const age = (seconds: number | undefined) => (seconds === undefined ? '' : duration(seconds))

const COLUMNS: readonly SortableColumn<SessionRow>[] = [
  { name: 'pid', by: ({ pid }) => pid, show: ({ pid }) => pid, numeric: true },
  { name: 'user', by: ({ user }) => user, show: ({ user }) => user },
  { name: 'database', by: ({ database }) => database, show: ({ database }) => database },
  {
    name: 'application',
    by: ({ application, type }) => application || type,
    show: ({ application, type }) =>
      application ? <span title={application}>{application}</span> : <i class="muted">{type}</i>,
    class: 'application',
  },
  { name: 'client', by: ({ client }) => client, show: ({ client }) => client },
  {
    name: 'state',
    by: ({ state }) => state,
    show: ({ state }) => <span class={`state ${state.replaceAll(/\W+/g, '-')}`}>{state}</span>,
  },
  {
    name: 'waits for',
    by: ({ wait }) => wait,
    show: ({ wait }) => <span class={wait.startsWith('Lock') ? 'warning' : ''}>{wait}</span>,
  },
  {
    name: 'in state',
    by: ({ stateAge }) => stateAge ?? -1,
    show: ({ stateAge }) => age(stateAge),
    numeric: true,
  },
  {
    name: 'transaction',
    by: ({ transactionAge }) => transactionAge ?? -1,
    show: ({ transactionAge }) => age(transactionAge),
    numeric: true,
  },
  { name: 'query', show: ({ query }) => <code title={query}>{query}</code>, class: 'query' },
]

export function ActivityView({ active }: { active: boolean }) {
  const [background, setBackground] = useState(false)
  const { value, error, again } = usePolled(activityOf, INTERVAL, active)
  const columns = useMemo(
    () => [
      ...COLUMNS.slice(0, -1),
      {
        name: 'actions',
        show: (session: SessionRow) =>
          isClient(session) && (
            <SessionActions pid={session.pid} what={` of ${session.user}`} again={again} />
          ),
      },
      // The query is last, for it has what is left of the width.
      COLUMNS.at(-1)!,
    ],
    [],
  )
  const { sessions = [], waits = [] } = value ?? {}
  const shown = sessions.filter(session => background || isClient(session))
  return (
    <Page error={error}>
      <h2>Waits</h2>
      <LockGraph {...{ waits, sessions, again }} />
      <div class="heading">
        <h2>Sessions</h2>
        <label>
          <input type="checkbox" checked={background} onChange={() => setBackground(!background)} />{' '}
          PostgreSQL's own processes
        </label>
      </div>
      <SortableTable
        label="Sessions"
        columns={columns}
        rows={shown}
        keyOf={({ pid }) => String(pid)}
        sorted={['pid', false]}
        empty="There are no other sessions."
      />
    </Page>
  )
}
