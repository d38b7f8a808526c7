/**
 * The process of databases.ts that clones with PGlite: prints as JSON the medians of what a clone takes, its first query, closing it, and a
 * clone again, for there is no pool. Arguments: how many clones are measured, how many before, tables, rows of each.
 */
import { PGlite } from '@electric-sql/pglite'
import { median } from './measurement.js'

const [count = 1, warmUp = 0, tables = 1, rows = 1] = process.argv.slice(2).map(Number)
const original = await PGlite.create()
for (let i = 0; i < tables; i++)
  await original.exec(`create table t${i} (id serial primary key, name text, at timestamptz default now());
    create index on t${i} (name);
    insert into t${i} (name) select 'name ' || n from generate_series(1, ${rows}) n`)
await original.exec('vacuum analyze')

const times: number[][] = [[], [], []]
for (let i = 0; i < warmUp + count; i++) {
  let began = performance.now()
  const clone = await original.clone()
  times[0]!.push(performance.now() - began)
  began = performance.now()
  await clone.query('select count(*) from t1')
  times[1]!.push(performance.now() - began)
  began = performance.now()
  await clone.close()
  times[2]!.push(performance.now() - began)
}
const medians = times.map(measured => median(measured.slice(warmUp)))
console.log(JSON.stringify([...medians, medians[0]]))
process.exit()
