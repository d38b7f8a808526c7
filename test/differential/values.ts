/** Values at the edges of each type, as text. Of a type that has none here, no value is made. */

const INTEGERS = ['0', '1', '-1', '7', '100']
const FLOATS = ['0', '-0', '1', '-1.5', '0.1', '1e-30', '1e30', 'NaN', 'Infinity', '-Infinity']
const TIMES = ['00:00:00', '23:59:59.999999', '24:00:00', '12:34:56.789']
const DATES = ['2000-01-01', '1999-12-31', '2024-02-29', '0001-01-01 BC', '4713-11-24 BC', '5874897-12-31']
const STAMPS = [
  '2000-01-01 00:00:00',
  '1969-12-31 23:59:59.5',
  '2024-02-29 12:00:00',
  '0044-03-15 06:00:00 BC',
]
const ENDLESS = ['infinity', '-infinity']
const TEXTS = [
  '',
  ' ',
  'a',
  'Zoë',
  'ÄÖÜ straße',
  'e\u0301',
  '日本語',
  '😀',
  'a%b_c\\d',
  '12',
  '1e5',
  '%s',
  'x'.repeat(70),
]
const JSONS = [
  ...[
    'null',
    'true',
    '0',
    '-1.50',
    '1e400',
    '""',
    '"a\\u0000b"',
    '"\\ud83d\\ude00"',
    '[]',
    '{}',
    '[1, "a", null, [2]]',
  ],
  ...['{"a": 1, "b": {"c": [1, 2.0, "x"]}, "a": 2}', '{"": null}'],
]

export const EDGES: Readonly<Record<string, readonly string[]>> = {
  bool: ['true', 'false'],
  int2: [...INTEGERS, '32767', '-32768'],
  int4: [...INTEGERS, '2147483647', '-2147483648'],
  int8: [...INTEGERS, '9223372036854775807', '-9223372036854775808'],
  float4: [...FLOATS, '3.4028235e38', '1e-45'],
  float8: [...FLOATS, '1.7976931348623157e308', '5e-324', '0.30000000000000004', '123456789012345678'],
  numeric: [
    ...FLOATS.filter(text => text !== '-0'),
    '0.00000000000000000001',
    '123456789.987654321',
    '-99999999999999999999999999',
  ],
  text: TEXTS,
  varchar: TEXTS,
  bpchar: TEXTS.slice(0, 9),
  name: TEXTS.slice(2, 8),
  char: ['a', 'Z', '', '\\200'],
  bytea: ['\\x', '\\x00', '\\xff', '\\x0102030405060708090a', '\\xc3a4'],
  date: [...DATES, ...ENDLESS],
  time: TIMES,
  timetz: TIMES.map((time, i) => `${time}${['+00', '-08', '+05:30', '+15:59:59'][i]}`),
  timestamp: [...STAMPS, ...ENDLESS, '294276-12-31 23:59:59.999999'],
  timestamptz: [
    ...STAMPS.map(stamp => stamp.replace(/( BC)?$/, '+02$1')),
    ...ENDLESS,
    '2024-03-31 02:30:00 Europe/Berlin',
  ],
  interval: [
    '0',
    '1 day',
    '-1 month 3 days -04:05:06.7',
    '178000000 years',
    '1 year 2 mons',
    '00:00:00.000001',
    ...ENDLESS,
  ],
  uuid: [
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '0198c2a7-9d4c-7e3f-8a11-5b6c7d8e9f00',
  ],
  json: JSONS,
  jsonb: JSONS.filter(text => !/u0000|1e400/.test(text)),
  jsonpath: [
    '$',
    '$.a',
    '$[*] ? (@ > 1)',
    'strict $.b.c[last]',
    '$.**',
    '$.a.type()',
    'lax $[0 to 1]',
    '$.b.keyvalue()',
  ],
  inet: ['0.0.0.0', '127.0.0.1/8', '192.168.1.7/24', '::1', 'fe80::1/64', '::ffff:1.2.3.4'],
  cidr: ['10.0.0.0/8', '192.168.1.0/24', '::/0', '2001:db8::/32'],
  macaddr: ['00:00:00:00:00:00', '08:00:2b:01:02:03'],
  macaddr8: ['00:00:00:00:00:00:00:00', '08:00:2b:01:02:03:04:05'],
  point: ['(0,0)', '(-1.5,2.25)', '(NaN,1)', '(Infinity,-Infinity)', '(1e300,1e-300)'],
  line: ['{1,-1,0}', '{0,1,5}', '{1,0,-3}'],
  lseg: ['[(0,0),(1,1)]', '[(-1,5),(3,-2)]', '[(0,0),(0,0)]'],
  box: ['(1,1),(0,0)', '(3,4),(-1,-2)', '(0,0),(0,0)'],
  path: ['[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0))'],
  polygon: ['((0,0),(1,1),(2,0))', '((0,0))', '((0,0),(4,0),(4,4),(0,4))'],
  circle: ['<(0,0),1>', '<(-1,2),0>', '<(3,3),2.5>'],
  bit: ['0', '1'],
  varbit: ['', '0', '10110', '1'.repeat(40)],
  money: ['0', '-1.23', '92233720368547758.07', '1000'],
  tsvector: ['', 'a b', "'cat':3 'fat':2A 'rat':1,5B"],
  tsquery: ['', 'a', 'a & !b', "'fat' <-> ( 'cat' | 'rat':A )", 'a:*'],
  oid: ['0', '1', '23', '4294967295'],
  xid8: ['0', '3', '18446744073709551615'],
  pg_lsn: ['0/0', '16/B374D848', 'FFFFFFFF/FFFFFFFF'],
  tid: ['(0,0)', '(4294967295,65535)'],
  int4range: ['empty', '[1,5)', '(,3]', '[7,)', '(,)'],
  int8range: ['empty', '[1,5)', '(,)'],
  numrange: ['empty', '[1.5,2.5]', '(,0)', '[NaN,)'],
  daterange: ['empty', '[2000-01-01,2000-02-01)', '(,infinity]'],
  tsrange: ['empty', '[2000-01-01,2000-01-02 03:04:05)', '(,)'],
  tstzrange: ['empty', '[2000-01-01 00:00+00,)', '(,)'],
  int4multirange: ['{}', '{[1,3),[5,9)}', '{(,)}'],
  nummultirange: ['{}', '{[1.5,2.5]}'],
  datemultirange: ['{}', '{[2000-01-01,2000-01-05)}'],
  xml: ['<a/>', '<a b="1">t&amp;u<c/></a>', 'text'],
  _int4: ['{}', '{1}', '{1,2,NULL,-3}', '{{1,2},{3,4}}', '[2:3]={5,6}'],
  _int8: ['{}', '{1,2}'],
  _text: ['{}', '{a}', '{"a b",NULL,"",ä}', '{{a,b},{c,d}}'],
  _float8: ['{}', '{1,NaN,-0}'],
  _numeric: ['{}', '{1.10,NaN}'],
  _bool: ['{}', '{t,NULL}'],
  _jsonb: ['{}', '{"{\\"a\\": 1}"}'],
}

/** What stands for polymorphic types, each call by one of these. */
export const POLYMORPHIC: readonly Readonly<Record<string, string>>[] = [
  { element: 'int4', array: '_int4', range: 'int4range', multirange: 'int4multirange' },
  { element: 'text', array: '_text', range: 'daterange', multirange: 'datemultirange' },
  { element: 'numeric', array: '_numeric', range: 'numrange', multirange: 'nummultirange' },
]

const KINDS: Readonly<Record<string, string>> = {
  any: 'element',
  anyelement: 'element',
  anynonarray: 'element',
  anycompatible: 'element',
  anycompatiblenonarray: 'element',
  anyarray: 'array',
  anycompatiblearray: 'array',
  anyrange: 'range',
  anycompatiblerange: 'range',
  anymultirange: 'multirange',
  anycompatiblemultirange: 'multirange',
}

/** The type that a value for this one is made of; undefined if there is none. */
export function concrete(type: string, polymorphic: Readonly<Record<string, string>>): string | undefined {
  const name = KINDS[type] === undefined ? type : polymorphic[KINDS[type]]
  return name !== undefined && EDGES[name] !== undefined ? name : undefined
}

/** A name of a type as SQL has it: "char" is not char, and an array's begins with an underscore. */
export const typeName = (type: string) =>
  type.startsWith('_') ? `${type.slice(1)}[]` : type === 'char' ? '"char"' : type === 'bit' ? 'bit(1)' : type

export const literal = (text: string, type: string) => `'${text.replaceAll("'", "''")}'::${typeName(type)}`
