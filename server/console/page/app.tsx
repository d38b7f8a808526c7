/** The frame of the page: who is logged in where, and the four parts as tabs. */
import { useEffect, useState } from 'preact/hooks'
import { ActivityView } from './activity/activity-view.js'
import { ChartsView } from './charts/charts-view.js'
import { LoginForm } from './login-form.js'
import { QueryView } from './query/query-view.js'
import { connecting, identity, logIn, loginMessage, observer, session, transaction } from './state.js'
import { TablesView } from './tables/tables-view.js'

const PARTS = ['Query', 'Sessions', 'Tables', 'Charts'] as const
type Part = (typeof PARTS)[number]

const idOf = (part: Part) => `part-${part.toLowerCase()}`

export function App() {
  const [part, setPart] = useState<Part>('Query')
  const [seen, setSeen] = useState<ReadonlySet<Part>>(new Set<Part>(['Query']))
  const choose = (next: Part) => {
    setPart(next)
    setSeen(new Set([...seen, next]))
  }
  if (connecting.value) return <main class="advice">connecting …</main>
  if (loginMessage.value !== undefined || identity.value === undefined)
    return <LoginForm message={loginMessage.value ?? ''} />
  return (
    <>
      <header>
        <h1>PostgreSQL {session.value?.parameters.get('server_version')}</h1>
        <div class="parts" role="tablist" aria-label="Parts of the console">
          {PARTS.map(each => (
            <button
              type="button"
              role="tab"
              key={each}
              id={`${idOf(each)}-tab`}
              aria-selected={each === part}
              aria-controls={idOf(each)}
              tabIndex={each === part ? 0 : -1}
              onClick={() => choose(each)}
              onKeyDown={event => step(event, each, choose)}
            >
              {each}
            </button>
          ))}
        </div>
        <Transaction />
        <Whereabouts />
      </header>
      <main>
        {PARTS.map(each => (
          <div
            key={each}
            id={idOf(each)}
            role="tabpanel"
            aria-labelledby={`${idOf(each)}-tab`}
            hidden={each !== part}
          >
            {seen.has(each) && <View part={each} active={each === part} />}
          </div>
        ))}
      </main>
    </>
  )
}

function View({ part, active }: { part: Part; active: boolean }) {
  if (part === 'Query') return <QueryView />
  if (part === 'Sessions') return <ActivityView active={active} />
  return part === 'Tables' ? <TablesView active={active} /> : <ChartsView active={active} />
}

function step(event: KeyboardEvent, part: Part, choose: (part: Part) => void): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  if (by === 0) return
  const next = PARTS[(PARTS.indexOf(part) + by + PARTS.length) % PARTS.length]!
  choose(next)
  document.getElementById(`${idOf(next)}-tab`)?.focus()
}

/** Whether the editor's session is in a transaction. */
function Transaction() {
  const { value } = transaction
  return (
    <span class={`transaction ${value.replaceAll(' ', '-')}`} role="status">
      {value === 'idle' ? '' : value}
    </span>
  )
}

/** The role and the database, which can be changed. */
function Whereabouts() {
  const { user, database } = identity.value!
  const [databases, setDatabases] = useState<readonly string[]>([database])
  const { value: observing } = observer
  useEffect(() => {
    void observing
      ?.rows('select datname from pg_database where datallowconn and not datistemplate order by 1')
      .then(
        rows => setDatabases(rows.map(({ datname }) => datname!)),
        () => {},
      )
  }, [observing])
  const names = databases.includes(database) ? databases : [database, ...databases]
  return (
    <span class="whereabouts">
      <span>{user}</span>
      <select
        aria-label="Database"
        value={database}
        onChange={event => void logIn({ ...identity.value!, database: event.currentTarget.value })}
      >
        {names.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <button
        type="button"
        class="small"
        onClick={() => {
          loginMessage.value = ''
        }}
      >
        Other user
      </button>
    </span>
  )
}
