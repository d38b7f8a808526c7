/** Tables and statements of decisions.ts. Every value is computed from its row's number, so it is the same on all systems. */

/** A number from 0 to below `n` that follows from `of`. */
const pick = (of: string, n: number) => `((hashint4((${of})::int) & 2147483647) % ${n})`
const word = (of: string, ...words: string[]) =>
  `(array[${words.map(w => `'${w}'`).join(', ')}])[1 + ${pick(of, words.length)}]`
const day = (of: string) => `date '1992-01-01' + ${pick(of, 2400)}::int`

export const TABLES = 'nation, supplier, customer, part, offer, purchase, line'

/** Makes the tables, with `lines` lines of orders. */
export const SCHEMA = (lines: number): string => {
  const [orders, parts, customers, suppliers] = [4, 30, 40, 600].map(n => Math.max(1, Math.round(lines / n)))
  return `
  drop table if exists ${TABLES};
  create table nation as select i as id, 'nation ' || i as name, i % 5 as region from generate_series(0, 24) i;
  create table supplier as
    select i as id, 'supplier ' || i as name, (${pick('i', 25)})::int as nation, (${pick('i + 1', 1_000_000)})::numeric / 100 as balance
    from generate_series(1, ${suppliers}) i;
  create table customer as
    select i as id, 'customer ' || i as name, (${pick('i + 2', 25)})::int as nation, 10 + ${pick('i + 9', 25)} || '-' || ${pick('i', 9999)} as phone,
      (${pick('i + 3', 1_100_000)})::numeric / 100 - 1000 as balance, ${word('i + 4', 'building', 'machines', 'furniture', 'household', 'cars')} as segment
    from generate_series(1, ${customers}) i;
  create table part as
    select i as id, ${word('i', 'green', 'blue', 'red', 'white', 'black')} || ' ' || ${word('i + 1', 'metal', 'glass', 'wood', 'linen')} as name,
      'brand ' || ${pick('i + 2', 25)} as brand, ${word('i + 3', 'small', 'large', 'medium', 'promotion')} || ' ' || ${word('i + 4', 'tin', 'nickel', 'brass', 'steel', 'copper')} as kind,
      (1 + ${pick('i + 5', 50)})::int as size, ${word('i + 6', 'box', 'bag', 'case', 'drum')} as container, 900 + (i % 1000)::numeric / 10 as price
    from generate_series(1, ${parts}) i;
  create table offer as
    select p as part, (1 + ${pick('p * 4 + s', suppliers!)})::int as supplier, (1 + ${pick('p + s * 7', 9999)})::int as available, (${pick('p * 3 + s', 100_000)})::numeric / 100 as cost
    from generate_series(1, ${parts}) p, generate_series(1, 4) s;
  create table purchase as
    select i as id, (1 + ${pick('i', customers!)})::int as customer, ${day('i + 1')} as day, ${word('i + 2', 'urgent', 'high', 'medium', 'low', 'none')} as priority,
      ${word('i + 3', 'o', 'f', 'p')} as status, case when i % 97 = 0 then 'special requests of note' else 'remark ' || md5(i::text) end as remark
    from generate_series(1, ${orders}) i;
  create table line as
    select (1 + ${pick('i', orders!)})::int as purchase, (1 + ${pick('i + 1', parts!)})::int as part, (1 + ${pick('i + 2', suppliers!)})::int as supplier,
      (1 + ${pick('i + 3', 50)})::numeric as quantity, (${pick('i + 4', 9_500_000)})::numeric / 100 + 900 as price, (${pick('i + 5', 11)})::numeric / 100 as discount,
      (${pick('i + 6', 9)})::numeric / 100 as tax, ${word('i + 7', 'r', 'a', 'n')} as returned, ${day('i + 8')} as sent, ${day('i + 8')} + (${pick('i + 9', 60)})::int - 20 as promised,
      ${day('i + 8')} + (${pick('i + 10', 30)})::int as received, ${word('i + 11', 'air', 'rail', 'ship', 'truck', 'post')} as way, ${word('i + 12', 'in person', 'cash', 'none')} as handling
    from generate_series(1, ${lines}) i;
  alter table nation add primary key (id); alter table supplier add primary key (id); alter table customer add primary key (id);
  alter table part add primary key (id); alter table purchase add primary key (id);
  create index on line (purchase); create index on line (part); create index on offer (part); create index on purchase (customer); create index on purchase (day);`
}

const revenue = 'l.price * (1 - l.discount)'

export const QUESTIONS: Readonly<Record<string, string>> = {
  'price summary': `
    select returned, way, sum(quantity), sum(price), sum(${revenue}), sum(${revenue} * (1 + tax)), avg(quantity), avg(price), avg(discount), count(*)
    from line l where sent <= date '1998-01-01' group by returned, way order by returned, way`,
  'cheapest offer': `
    select s.balance, s.name, n.name, p.id from part p join offer o on o.part = p.id join supplier s on s.id = o.supplier join nation n on n.id = s.nation
    where p.size = 15 and p.kind like '%brass' and n.region = 3 and o.cost = (
      select min(b.cost) from offer b join supplier t on t.id = b.supplier join nation m on m.id = t.nation where b.part = p.id and m.region = 3)
    order by s.balance desc, n.name, s.name, p.id limit 100`,
  'orders not sent yet': `
    select l.purchase, sum(${revenue}) as revenue, o.day from customer c join purchase o on o.customer = c.id join line l on l.purchase = o.id
    where c.segment = 'building' and o.day < date '1995-03-15' and l.sent > date '1995-03-15' group by l.purchase, o.day order by revenue desc, o.day, 1 limit 10`,
  'priorities of late orders': `
    select priority, count(*) from purchase o where day >= date '1993-07-01' and day < date '1993-10-01'
      and exists (select from line l where l.purchase = o.id and l.promised < l.received) group by priority order by priority`,
  'revenue in a region': `
    select n.name, sum(${revenue}) as revenue from customer c join purchase o on o.customer = c.id join line l on l.purchase = o.id
      join supplier s on s.id = l.supplier and s.nation = c.nation join nation n on n.id = s.nation
    where n.region = 2 and o.day >= date '1994-01-01' and o.day < date '1995-01-01' group by n.name order by revenue desc`,
  'change of discounts': `
    select sum(price * discount) from line where sent >= date '1994-01-01' and sent < date '1995-01-01' and discount between 0.05 and 0.07 and quantity < 24`,
  'trade between two nations': `
    select n.name, m.name, extract(year from l.sent) as year, sum(${revenue}) from supplier s join line l on l.supplier = s.id join purchase o on o.id = l.purchase
      join customer c on c.id = o.customer join nation n on n.id = s.nation join nation m on m.id = c.nation
    where (n.id, m.id) in ((3, 7), (7, 3)) and l.sent >= date '1995-01-01' group by 1, 2, 3 order by 1, 2, 3`,
  'profit by nation and year': `
    select n.name, extract(year from o.day) as year, sum(${revenue} - f.cost * l.quantity) from part p join line l on l.part = p.id
      join supplier s on s.id = l.supplier join offer f on f.part = l.part and f.supplier = l.supplier join purchase o on o.id = l.purchase join nation n on n.id = s.nation
    where p.name like '%green%' group by 1, 2 order by 1, 2 desc`,
  'customers who return': `
    select c.id, c.name, sum(${revenue}) as revenue, c.balance, n.name, c.phone from customer c join purchase o on o.customer = c.id join line l on l.purchase = o.id
      join nation n on n.id = c.nation
    where o.day >= date '1993-10-01' and o.day < date '1994-01-01' and l.returned = 'r' group by c.id, c.name, c.balance, c.phone, n.name order by revenue desc, c.id limit 20`,
  'important stock': `
    select o.part, sum(o.cost * o.available) as value from offer o join supplier s on s.id = o.supplier where s.nation = 7 group by o.part
    having sum(o.cost * o.available) > (select sum(f.cost * f.available) * 0.001 from offer f join supplier t on t.id = f.supplier where t.nation = 7) order by value desc, 1`,
  'ways and priorities': `
    select l.way, count(*) filter (where o.priority in ('urgent', 'high')), count(*) filter (where o.priority not in ('urgent', 'high'))
    from purchase o join line l on l.purchase = o.id where l.way in ('post', 'ship') and l.promised < l.received and l.sent < l.promised
      and l.received >= date '1994-01-01' and l.received < date '1995-01-01' group by l.way order by l.way`,
  'orders by customer': `
    select orders, count(*) from (select c.id, count(o.id) as orders from customer c left join purchase o on o.customer = c.id and o.remark not like '%special%requests%' group by c.id) d
    group by orders order by 2 desc, 1 desc`,
  'share of promotions': `
    select round(100 * sum(case when p.kind like 'promotion%' then ${revenue} else 0 end) / sum(${revenue}), 6) from line l join part p on p.id = l.part
    where l.sent >= date '1995-09-01' and l.sent < date '1995-10-01'`,
  'best supplier': `
    with earned as (select supplier, sum(${revenue}) as total from line l where sent >= date '1996-01-01' and sent < date '1996-04-01' group by supplier)
    select s.id, s.name, total from supplier s join earned on supplier = s.id where total = (select max(total) from earned) order by s.id`,
  'suppliers of parts': `
    select p.brand, p.kind, p.size, count(distinct o.supplier) as suppliers from offer o join part p on p.id = o.part
    where p.brand <> 'brand 4' and p.kind not like 'medium%' and p.size in (49, 14, 23, 45, 19, 3, 36, 9) and o.supplier not in (select id from supplier where balance < 100)
    group by 1, 2, 3 order by suppliers desc, 1, 2, 3 limit 50`,
  'small orders': `
    select round(sum(l.price) / 7, 4) from line l join part p on p.id = l.part where p.brand = 'brand 23' and p.container = 'box'
      and l.quantity < (select 0.2 * avg(k.quantity) from line k where k.part = p.id)`,
  'large orders': `
    select c.name, o.id, o.day, sum(l.quantity) from customer c join purchase o on o.customer = c.id join line l on l.purchase = o.id
    where o.id in (select purchase from line group by purchase having sum(quantity) > 220) group by c.name, c.id, o.id, o.day order by 4 desc, o.day, 2 limit 100`,
  'brands and containers': `
    select sum(${revenue}) from line l join part p on p.id = l.part where l.handling = 'in person' and l.way in ('air', 'post') and (
      (p.brand = 'brand 12' and p.container in ('case', 'box') and l.quantity between 1 and 11 and p.size between 1 and 15)
      or (p.brand = 'brand 23' and p.container in ('bag', 'box') and l.quantity between 10 and 20 and p.size between 1 and 30)
      or (p.brand = 'brand 14' and p.container in ('drum', 'case') and l.quantity between 20 and 30))`,
  'too much in stock': `
    select s.name from supplier s where s.nation = 3 and s.id in (select o.supplier from offer o where o.part in (select id from part where name like 'green%')
      and o.available > (select 0.5 * sum(quantity) from line l where l.part = o.part and l.supplier = o.supplier)) order by s.name`,
  'suppliers who keep orders waiting': `
    select s.name, count(*) as times from supplier s join line l on l.supplier = s.id join purchase o on o.id = l.purchase
    where o.status = 'f' and l.received > l.promised and s.nation = 20 and exists (select from line k where k.purchase = l.purchase and k.supplier <> l.supplier)
      and not exists (select from line k where k.purchase = l.purchase and k.supplier <> l.supplier and k.received > k.promised)
    group by s.name order by times desc, s.name limit 100`,
  'customers to win': `
    select substr(phone, 1, 2) as code, count(*), sum(balance) from customer c where substr(phone, 1, 2) in ('13', '31', '23', '29', '30', '18', '17')
      and balance > (select avg(balance) from customer where balance > 0) and not exists (select from purchase o where o.customer = c.id and o.day > date '1996-01-01')
    group by code order by code`,
}

export const PARALLEL_QUESTION = QUESTIONS['price summary']!
