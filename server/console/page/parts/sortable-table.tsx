/** A table that its headings sort. */
import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'

/** A column of such a table. */
export interface SortableColumn<Row> {
  readonly name: string
  /** What it is sorted by: a number, or a text. */
  by?(row: Row): number | string
  show(row: Row): ComponentChildren
  readonly numeric?: boolean
  readonly class?: string
}

interface Properties<Row> {
  label: string
  columns: readonly SortableColumn<Row>[]
  rows: readonly Row[]
  keyOf(row: Row): string
  /** The column that it is sorted by at first, and whether the largest is first. */
  sorted: readonly [name: string, descending: boolean]
  /** What there is in place of rows. */
  empty: string
}

export function SortableTable<Row>({ label, columns, rows, keyOf, sorted, empty }: Properties<Row>) {
  const [[name, descending], setOrder] = useState(sorted)
  const ordered = useMemo(() => {
    const by = columns.find(column => column.name === name)?.by
    if (by === undefined) return rows
    const sign = descending ? -1 : 1
    return rows.toSorted((a, b) => sign * compared(by(a), by(b)))
  }, [rows, columns, name, descending])
  return (
    <div class="table-scroll">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(column => (
              <th
                scope="col"
                key={column.name}
                class={column.numeric ? 'numeric' : ''}
                aria-sort={column.name === name ? (descending ? 'descending' : 'ascending') : undefined}
              >
                {column.by === undefined ? (
                  column.name
                ) : (
                  <button
                    type="button"
                    class="sort"
                    onClick={() =>
                      setOrder([column.name, column.name === name ? !descending : (column.numeric ?? false)])
                    }
                  >
                    {column.name}
                    {column.name === name && <span aria-hidden="true">{descending ? ' ↓' : ' ↑'}</span>}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ordered.map(row => (
            <tr key={keyOf(row)}>
              {columns.map(column => (
                <td key={column.name} class={`${column.numeric ? 'numeric ' : ''}${column.class ?? ''}`}>
                  {column.show(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length === 0 && <p class="advice">{empty}</p>}
    </div>
  )
}

function compared(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b))
}
