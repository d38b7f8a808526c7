/** Takes the pictures in docs/console.md: `npm run screenshots`. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { type ConsolePage, consoleUrl, useConsolePages } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'

const folder = join(repository, 'docs/console')

const SHOP = `create table customers (id int generated always as identity primary key, name text not null, city text, born date);
create table orders (id bigint generated always as identity primary key, customer int references customers, placed timestamptz not null,
  total numeric(10, 2), note text);
select setseed(0.5);
insert into customers (name, city, born) select initcap(substr(md5(i::text), 1, 7)),
  (array['Oslo', 'Lyon', 'Porto', 'Gdańsk', null])[1 + i % 5], date '1950-01-01' + i * 7 % 18000 from generate_series(1, 2000) i;
insert into orders (customer, placed, total, note) select 1 + i * 7919 % 2000, timestamptz '2026-01-01' + i * interval '1 minute',
  round((random() * 500)::numeric, 2), case when i % 3 = 0 then 'gift' end from generate_series(1, 60000) i;
create index orders_customer on orders (customer);
vacuum analyze`

const TOP = `-- Who spent most in spring?
select c.name, c.city, count(*) as orders, sum(o.total) as spent, max(o.note) as note
from customers c
join orders o on o.customer = c.id
where o.placed >= '2026-01-20' and c.born < '1990-01-01'
group by c.id
order by spent desc;`

describe('the console', () => {
  const server = useServer({ args: ['--console'], ban: false })
  const open = useConsolePages()
  const shoot = async (page: ConsolePage, name: string) => {
    mkdirSync(folder, { recursive: true })
    await page.page.screenshot({ path: join(folder, `${name}.webp`), type: 'webp', quality: 82 })
  }
  const size = (page: ConsolePage, height: number) => page.page.setViewport({ width: 1180, height })

  test('the pictures of the documentation', async () => {
    const client = await server.connect({ application_name: 'import' })
    for (const statement of SHOP.split(';\n')) await client.query(statement)
    const page = await open(consoleUrl(server.output))
    await size(page, 560)
    await page.run(TOP)
    await shoot(page, 'query')
    await page.click('Analyze')
    await page.reads('[role="treegrid"]', 'Seq Scan')
    await page.finished()
    await shoot(page, 'plan')

    const clients = await Promise.all(
      ['shop', 'billing', 'migration'].map(application_name => server.connect({ application_name })),
    )
    const [shop, billing, migration] = clients as [typeof client, typeof client, typeof client]
    await shop.query("begin; update customers set city = 'Bergen' where id = 1")
    const waits = [billing.query("update customers set city = 'Nice' where id = 1")]
    await page.click('Sessions')
    await page.reads('.graph', 'waits')
    waits.push(migration.query('alter table customers add column mail text'))
    await page.shows('both', () => document.querySelectorAll('.graph .arrow').length >= 3)
    await size(page, 420)
    await shoot(page, 'sessions')
    await shop.query('rollback')
    await Promise.all(waits)

    const dark = await open(consoleUrl(server.output), 'dark')
    await size(dark, 620)
    await dark.click('Charts')
    const until = performance.now() + 70_000
    for (let round = 0; performance.now() < until; round++) {
      const rows = 200 + Math.round(150 * Math.sin(round / 40))
      await client.query(
        'insert into orders (customer, placed, total) select 1, now(), 1 from generate_series(1, $1)',
        [rows],
      )
      if (round % 3 === 0) await client.query('select count(*) from orders')
      if (round % 50 === 0) await client.query('delete from orders where customer = 1')
      await new Promise(resolve => setTimeout(resolve, 60))
    }
    await shoot(dark, 'charts')
  }, 240_000)
})
