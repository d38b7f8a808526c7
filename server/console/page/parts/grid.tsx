/** A table of any length, of which only the visible rows are in the document: ARIA's grid pattern, with the keyboard or the mouse. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import { copyText } from './clipboard.js'
import { csvOf } from './csv.js'
import { showText } from './dialog.js'

/** A column of a grid. */
export interface Column {
  readonly name: string
  /** The name of its type. */
  readonly type: string
  readonly numeric: boolean
}

/** Rows by their index; null is NULL. */
export interface GridRows {
  readonly length: number
  at(index: number): readonly (string | null)[]
}

const ROW_HEIGHT = 24
/** Rows whose values decide how wide a column is. */
const MEASURED = 200
const [NARROWEST, WIDEST] = [6, 48]
/** Characters of a value that a cell shows. */
const SHOWN = 300

interface Place {
  readonly row: number
  readonly column: number
}

interface GridProperties {
  label: string
  columns: readonly Column[]
  rows: GridRows
}

export function Grid({ label, columns, rows }: GridProperties) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtualizer = useVirtualizer(rows.length, scroller)
  const template = useMemo(() => templateOf(columns, rows), [columns, rows])
  const [active, setActive] = useState<Place>({ row: 0, column: 0 })
  const [anchor, setAnchor] = useState(0)
  const [id] = useState(() => `grid-${Math.random().toString(36).slice(2)}`)
  const [first, last] = [Math.min(active.row, anchor), Math.max(active.row, anchor)]

  const move = (place: Place, extend: boolean) => {
    const row = clamp(place.row, 0, rows.length - 1)
    const column = clamp(place.column, 0, columns.length - 1)
    setActive({ row, column })
    if (!extend) setAnchor(row)
    virtualizer.scrollToIndex(row)
    scrollToColumn(scroller.current!, column)
  }
  const copy = () => {
    const names = columns.map(({ name }) => name)
    const chosen = Array.from({ length: last - first + 1 }, (_, i) => rows.at(first + i))
    const one = chosen[0]?.[active.column] ?? ''
    void copyText(first === last ? one : csvOf(names, chosen))
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (rows.length === 0) return
    const command = event.ctrlKey || event.metaKey
    const page = Math.floor(scroller.current!.clientHeight / ROW_HEIGHT) - 2
    const place = placeAfter(event.key, command, active, page, rows.length, columns.length)
    if (place !== undefined) move(place, event.shiftKey)
    else if (command && event.key === 'c') copy()
    else if (command && event.key === 'a') {
      setAnchor(0)
      move({ row: rows.length - 1, column: active.column }, true)
    } else if (event.key === 'Enter')
      showText(columns[active.column]!.name, rows.at(active.row)[active.column] ?? null)
    else return
    event.preventDefault()
  }
  const visible = virtualizer.getVirtualItems()
  const isVisible = visible.some(({ index }) => index === active.row)
  return (
    <div
      class="grid"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-multiselectable="true"
      aria-activedescendant={isVisible ? `${id}-${active.row}-${active.column}` : undefined}
      onKeyDown={onKeyDown}
    >
      <GridHead {...{ columns, template }} />
      <div class="grid-body" role="rowgroup" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {visible.map(({ index, start }) => (
          <GridRow
            key={index}
            {...{ id, index, start, columns, template, active }}
            values={rows.at(index)}
            selected={index >= first && index <= last}
            choose={(column, extend) => move({ row: index, column }, extend)}
          />
        ))}
      </div>
    </div>
  )
}

function GridHead({ columns, template }: { columns: readonly Column[]; template: string }) {
  return (
    <div class="grid-row grid-head" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
      <span class="grid-number" role="columnheader">
        #
      </span>
      {columns.map(({ name, type, numeric }, index) => (
        <span
          role="columnheader"
          // Columns may have the same name.
          key={index}
          class={numeric ? 'numeric' : ''}
          title={`${name} ${type}`}
        >
          {name} <small>{type}</small>
        </span>
      ))}
    </div>
  )
}

interface RowProperties {
  id: string
  index: number
  /** Pixels from the top. */
  start: number
  columns: readonly Column[]
  values: readonly (string | null)[]
  template: string
  active: Place
  selected: boolean
  choose(column: number, extend: boolean): void
}

function GridRow({ id, index, start, columns, values, template, active, selected, choose }: RowProperties) {
  return (
    <div
      class={`grid-row${selected ? ' selected' : ''}`}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={selected}
      style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
    >
      <span class="grid-number" role="rowheader">
        {index + 1}
      </span>
      {values.map((value, column) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the grid takes the keys for all of its cells
        <span
          key={column}
          id={`${id}-${index}-${column}`}
          role="gridcell"
          class={`${columns[column]?.numeric ? 'numeric' : ''}${active.row === index && active.column === column ? ' active' : ''}`}
          onClick={event => choose(column, event.shiftKey)}
          onDblClick={() => showText(columns[column]!.name, value)}
        >
          {value === null ? <i class="null">NULL</i> : value.slice(0, SHOWN)}
        </span>
      ))}
    </div>
  )
}

function useVirtualizer(count: number, scroller: { readonly current: HTMLDivElement | null }) {
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    // The header, which stays in sight.
    scrollPaddingStart: ROW_HEIGHT,
    overscan: 12,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(0),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options))
  virtualizer.setOptions(options)
  useEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  return virtualizer
}

function placeAfter(
  key: string,
  far: boolean,
  { row, column }: Place,
  page: number,
  rows: number,
  columns: number,
): Place | undefined {
  const places: Readonly<Record<string, Place>> = {
    ArrowUp: { row: far ? 0 : row - 1, column },
    ArrowDown: { row: far ? rows : row + 1, column },
    ArrowLeft: { row, column: far ? 0 : column - 1 },
    ArrowRight: { row, column: far ? columns : column + 1 },
    PageUp: { row: row - page, column },
    PageDown: { row: row + page, column },
    Home: { row: far ? 0 : row, column: 0 },
    End: { row: far ? rows : row, column: columns },
  }
  return places[key]
}

function scrollToColumn(grid: HTMLElement, column: number): void {
  const head = grid.querySelector('.grid-head')!
  const cell = head.children[column + 1] as HTMLElement
  const number = (head.children[0] as HTMLElement).offsetWidth
  const { offsetLeft: left, offsetWidth: width } = cell
  if (left < grid.scrollLeft + number) grid.scrollLeft = left - number
  else if (left + width > grid.scrollLeft + grid.clientWidth)
    grid.scrollLeft = left + width - grid.clientWidth
}

/** The widths of columns, in characters. */
function templateOf(columns: readonly Column[], rows: GridRows): string {
  const lengths = columns.map(({ name, type }) => name.length + type.length + 1)
  for (let index = 0; index < Math.min(rows.length, MEASURED); index++)
    for (const [column, value] of rows.at(index).entries())
      lengths[column] = Math.max(lengths[column] ?? 0, value?.length ?? 4)
  const widths = lengths.map(length => `${clamp(length, NARROWEST, WIDEST) + 3}ch`)
  return [`${String(rows.length).length + 3}ch`, ...widths].join(' ')
}

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value))
