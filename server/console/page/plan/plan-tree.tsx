/** A plan as a tree: ARIA's treegrid pattern. The bars show which nodes took the time or, without ANALYZE, have the cost. */
import { useState } from 'preact/hooks'
import { count, milliseconds } from '../parts/format.js'
import type { Plan, PlanNode } from './plan.js'

/** A node in the order in which the tree shows it. */
interface Line {
  readonly node: PlanNode
  readonly level: number
  /** Its place in the tree, such as '0.1'. */
  readonly path: string
  readonly position: number
  readonly siblings: number
}

export function PlanTree({ plan }: { plan: Plan }) {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState('0')
  const lines = linesOf(plan.root, closed)
  const focus = (path: string, row: Element | null | undefined) => {
    setActive(path)
    ;(row as HTMLElement | null | undefined)?.focus()
  }
  const toggle = (path: string, open: boolean) => {
    const changed = new Set(closed)
    if (open) changed.delete(path)
    else changed.add(path)
    setClosed(changed)
  }
  const onKeyDown = (event: KeyboardEvent, { path, node }: Line) => {
    const row = event.currentTarget as HTMLElement
    const isOpen = node.children.length > 0 && !closed.has(path)
    const rowOf = (wanted: string) => row.parentElement?.querySelector(`[data-path="${wanted}"]`)
    const parent = path.slice(0, path.lastIndexOf('.'))
    if (event.key === 'ArrowDown') step(row.nextElementSibling)
    else if (event.key === 'ArrowUp') step(row.previousElementSibling)
    else if (event.key === 'ArrowRight' && isOpen) step(rowOf(`${path}.0`))
    else if (event.key === 'ArrowRight') toggle(path, true)
    else if (event.key === 'ArrowLeft' && isOpen) toggle(path, false)
    else if (event.key === 'ArrowLeft') step(rowOf(parent))
    else return
    event.preventDefault()
    function step(next: Element | null | undefined) {
      if (next) focus((next as HTMLElement).dataset.path!, next)
    }
  }
  return (
    <div class="plan">
      <div class="plan-scroll">
        <table role="treegrid" aria-label="Plan">
          <Head analyzed={plan.analyzed} />
          <tbody>
            {lines.map(line => (
              <NodeRow
                key={line.path}
                {...{ line, plan }}
                open={!closed.has(line.path)}
                active={active === line.path}
                toggle={open => toggle(line.path, open)}
                onFocus={() => setActive(line.path)}
                onKeyDown={event => onKeyDown(event, line)}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p class="plan-summary">
        {plan.planning !== undefined && <span>planning {milliseconds(plan.planning)}</span>}
        {plan.execution !== undefined && <span>execution {milliseconds(plan.execution)}</span>}
        {plan.remarks.map(([name, value]) => (
          <span key={name}>
            {name} = {value}
          </span>
        ))}
      </p>
    </div>
  )
}

function Head({ analyzed }: { analyzed: boolean }) {
  const names = analyzed
    ? ['time', 'own time', 'rows', 'planned', 'loops', 'buffers']
    : ['cost', 'rows', 'width']
  return (
    <thead>
      <tr>
        <th scope="col">node</th>
        {names.map(name => (
          <th scope="col" key={name} class={name === 'buffers' ? '' : 'numeric'}>
            {name}
          </th>
        ))}
      </tr>
    </thead>
  )
}

interface NodeProperties {
  line: Line
  plan: Plan
  open: boolean
  active: boolean
  toggle(open: boolean): void
  onFocus(): void
  onKeyDown(event: KeyboardEvent): void
}

function NodeRow({ line, plan, open, active, toggle, onFocus, onKeyDown }: NodeProperties) {
  const { node, level, path, position, siblings } = line
  const hasChildren = node.children.length > 0
  return (
    <tr
      data-path={path}
      tabIndex={active ? 0 : -1}
      aria-level={level}
      aria-posinset={position}
      aria-setsize={siblings}
      aria-expanded={hasChildren ? open : undefined}
      onFocus={onFocus}
      onKeyDown={onKeyDown}
    >
      <th scope="row" style={{ paddingLeft: `${level * 18}px` }}>
        {hasChildren && (
          <button
            type="button"
            class="twist"
            tabIndex={-1}
            aria-label={open ? 'Close' : 'Open'}
            onClick={() => toggle(!open)}
          >
            {open ? '▾' : '▸'}
          </button>
        )}
        <b>{node.title}</b> {node.target}
        {node.details.length > 0 && (
          <span class="details">
            {node.details.map(([name, value]) => (
              <span key={name}>
                {name}: <code>{value}</code>
              </span>
            ))}
          </span>
        )}
      </th>
      {plan.analyzed ? (
        <Measured node={node} all={plan.root.actual?.time ?? 0} />
      ) : (
        <Estimated {...{ node, plan }} />
      )}
    </tr>
  )
}

/** How many times as many rows came as planned, or as few, from which on it is shown as a misestimate. */
const MISESTIMATE = 10

function Measured({ node, all }: { node: PlanNode; all: number }) {
  const { actual } = node
  if (actual === undefined)
    return (
      <>
        <td class="numeric muted" colSpan={2}>
          never ran
        </td>
        <td />
        <td class="numeric">{count(node.plannedRows)}</td>
        <td class="numeric">0</td>
        <td />
      </>
    )
  const off = Math.max(actual.rows, 1) / Math.max(node.plannedRows, 1)
  const isOff = off >= MISESTIMATE || off <= 1 / MISESTIMATE
  return (
    <>
      <td class="numeric">{milliseconds(actual.time)}</td>
      <td class="numeric">
        <Bar share={all > 0 ? actual.ownTime / all : 0} />
        {milliseconds(actual.ownTime)}
      </td>
      <td class="numeric">{count(actual.rows)}</td>
      <td
        class={isOff ? 'numeric warning' : 'numeric'}
        title={isOff ? 'far from the rows that came' : undefined}
      >
        {isOff ? '≠ ' : ''}
        {count(node.plannedRows)}
      </td>
      <td class="numeric">{count(actual.loops)}</td>
      <td>{node.buffers}</td>
    </>
  )
}

function Estimated({ node, plan }: { node: PlanNode; plan: Plan }) {
  const own = node.cost - node.children.reduce((sum, child) => sum + child.cost, 0)
  return (
    <>
      <td class="numeric">
        <Bar share={plan.root.cost > 0 ? Math.max(0, own) / plan.root.cost : 0} />
        {node.startupCost.toFixed(2)} … {node.cost.toFixed(2)}
      </td>
      <td class="numeric">{count(node.plannedRows)}</td>
      <td class="numeric">{node.width}</td>
    </>
  )
}

function Bar({ share }: { share: number }) {
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ width: `${Math.round(Math.min(1, share) * 100)}%` }} />
    </span>
  )
}

function linesOf(root: PlanNode, closed: ReadonlySet<string>): Line[] {
  const lines: Line[] = []
  const visit = (node: PlanNode, level: number, path: string, position: number, siblings: number) => {
    lines.push({ node, level, path, position, siblings })
    if (closed.has(path)) return
    const { children } = node
    for (const [index, child] of children.entries())
      visit(child, level + 1, `${path}.${index}`, index + 1, children.length)
  }
  visit(root, 1, '0', 1, 1)
  return lines
}
