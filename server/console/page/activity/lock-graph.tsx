/** Who waits for whom: sessions as boxes, with an arrow from each that waits to those that it waits for. */
import { graphlib, layout } from '@dagrejs/dagre'
import { useMemo } from 'preact/hooks'
import { duration } from '../parts/format.js'
import type { SessionRow, Wait } from './activity.js'
import { SessionActions } from './session-actions.js'

const BOX = { width: 220, height: 88 }
const MARGIN = 8
/** Width of a letter on an arrow. */
const LETTER = 6

interface Place {
  readonly x: number
  readonly y: number
}

/** As much of dagre's graph as is used here; its own declarations have lost the types of graphlib. */
interface Graph {
  setGraph(options: object): void
  setNode(name: string, box: object): void
  setEdge(from: string, to: string, label: object, name: string): void
  graph(): { readonly width: number; readonly height: number }
  edges(): readonly object[]
  edge(edge: object): Place & { readonly index: number; readonly points: readonly Place[] }
  nodes(): readonly string[]
  node(name: string): Place
}

interface Placed {
  readonly boxes: ReadonlyMap<number, Place>
  readonly arrows: readonly {
    readonly wait: Wait
    readonly points: readonly Place[]
    readonly label: Place
  }[]
  readonly width: number
  readonly height: number
}

export function LockGraph({
  waits,
  sessions,
  again,
}: {
  waits: readonly Wait[]
  sessions: readonly SessionRow[]
  again(): void
}) {
  // Layout is the same as long as the same sessions wait for each other.
  const shape = waits.map(({ waiter, blocker, lock }) => `${waiter} ${blocker} ${lock}`).join(';')
  const placed = useMemo(() => placedOf(waits), [shape])
  if (waits.length === 0) return <p class="advice">No session waits for a lock of another.</p>
  const { boxes, arrows, width, height } = placed
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls it
    <section class="graph-scroll" aria-label="Who waits for whom" tabIndex={0}>
      <div class="graph" style={{ width: `${width}px`, height: `${height}px` }}>
        <svg width={width} height={height} aria-hidden="true">
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              orient="auto"
            >
              <path d="M0,0 L8,4 L0,8 z" />
            </marker>
          </defs>
          {arrows.map(({ wait, points, label }) => (
            <g key={`${wait.waiter} ${wait.blocker} ${wait.lock}`}>
              <path
                class="arrow"
                d={`M${points.map(({ x, y }) => `${x},${y}`).join(' L')}`}
                marker-end="url(#arrow)"
              />
              <text x={label.x} y={label.y} text-anchor="middle" dy="-5">
                {wait.lock}
              </text>
            </g>
          ))}
        </svg>
        <ul>
          {[...boxes].map(([pid, place]) => (
            <Box
              key={pid}
              {...{ pid, place, again }}
              session={sessions.find(session => session.pid === pid)}
              waits={waits.filter(({ waiter }) => waiter === pid)}
            />
          ))}
        </ul>
      </div>
    </section>
  )
}

interface BoxProperties {
  pid: number
  place: Place
  session: SessionRow | undefined
  waits: readonly Wait[]
  again(): void
}

function Box({ pid, place, session, waits, again }: BoxProperties) {
  const [first] = waits
  const blockers = [...new Set(waits.map(({ blocker }) => blocker))]
  const style = {
    width: `${BOX.width}px`,
    height: `${BOX.height}px`,
    left: `${place.x - BOX.width / 2}px`,
    top: `${place.y - BOX.height / 2}px`,
  }
  return (
    <li class={`box${first === undefined ? ' blocker' : ''}`} style={style}>
      <p>
        <b>{pid === 0 ? 'prepared transaction' : pid}</b>{' '}
        {first === undefined ? (session?.state ?? '') : `waits ${duration(first.age)}`}
        {first !== undefined && (
          <span class="hidden">
            {' '}
            for {blockers.join(', ')}: {first.lock}
          </span>
        )}
      </p>
      <p class="query" title={session?.query}>
        {session?.query}
      </p>
      {pid !== 0 && (
        <SessionActions {...{ pid, again }} what={session === undefined ? '' : ` of ${session.user}`} />
      )}
    </li>
  )
}

function placedOf(waits: readonly Wait[]): Placed {
  const graph: Graph = new graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: 24, marginx: MARGIN, marginy: MARGIN })
  for (const { waiter, blocker } of waits)
    for (const pid of [waiter, blocker]) graph.setNode(String(pid), { ...BOX })
  for (const [index, { waiter, blocker, lock }] of waits.entries()) {
    const label = { index, width: lock.length * LETTER, height: 18, labelpos: 'c' }
    graph.setEdge(String(waiter), String(blocker), label, String(index))
  }
  layout(graph)
  const { width, height } = graph.graph()
  const arrows = graph.edges().map(edge => {
    const { index, points, x, y } = graph.edge(edge)
    return { wait: waits[index]!, points, label: { x, y } }
  })
  const boxes = new Map(graph.nodes().map(pid => [Number(pid), graph.node(pid)] as const))
  return { boxes, arrows, width, height }
}
