/** Databases in other encodings than UTF-8, and what functions on text do in them. */

/** All that a server can have, but for UTF-8. */
export const ENCODINGS = [
  ...['EUC_JP', 'EUC_CN', 'EUC_KR', 'EUC_TW', 'EUC_JIS_2004', 'MULE_INTERNAL', 'SQL_ASCII'],
  ...['KOI8R', 'KOI8U', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7', 'ISO_8859_8'],
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(part => `LATIN${part}`),
  ...[866, 874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map(page => `WIN${page}`),
]

/** Ways to sort and to change case that a database in such an encoding can have. */
export const PROVIDERS = ["locale 'C'", "locale 'C' locale_provider icu icu_locale 'de'"]

const WORDS = [
  ...[
    '',
    'plain ASCII',
    'Ärger über Öl, straße',
    'façade École ÑANDÚ',
    'Łódź żółw ŘEKA čtvrť',
    'İstanbul ısı ŞEKER ğ',
  ],
  ...['Привет МИР ёлка Їжак', 'Ελλάδα ΣΊΣΥΦΟΣ ς', 'שלום עולם', 'مرحبا', 'ไทย', 'ąčęėįšųū ĀĒĪ', 'æøå ÆØÅ þð'],
  ...[
    '日本語 ひらがな カタカナ',
    'ｶﾀｶﾅ ＡＢＣ',
    '中文 汉字',
    '漢字 繁體',
    '한국어 가나다',
    '€ „“ – … ™',
    'Việt đường ơ ư',
    'ﬁ ½ ²',
    '😀',
  ],
]

/** Functions of a text, and of two of them. */
const FUNCTIONS = [
  ...[
    'upper',
    'lower',
    'initcap',
    'reverse',
    'length',
    'octet_length',
    'char_length',
    'bit_length',
    'ascii',
    'md5',
    'quote_ident',
  ],
  ...[
    'quote_literal',
    'to_json',
    'casefold',
    'to_tsvector',
    'btrim',
    'hashtext',
    'pg_column_size',
    'to_jsonb',
    'unistr',
  ],
].map(name => `${name}(v)`)

const EXPRESSIONS = [
  ...FUNCTIONS,
  "convert_to(v, 'UTF8')",
  'convert_to(v, getdatabaseencoding())',
  "convert_to(v, 'LATIN1')",
  "convert_to(v, 'SJIS')",
  'v::bytea',
  'v::varchar(3)',
  'v::char(4)',
  'v::name',
  'left(v, 3)',
  'right(v, -2)',
  'substr(v, 2, 2)',
  "lpad(v, 12, left(v, 1) || '-')",
  "translate(v, left(v, 2), 'xy')",
  'overlay(v placing upper(left(v, 2)) from 2 for 1)',
  'position(right(v, 2) in v)',
  "split_part(v, ' ', 2)",
  "regexp_replace(v, '\\W+', '_', 'g')",
  "regexp_replace(v, '[[:upper:]]', '^', 'g')",
  "regexp_replace(v, '[[:lower:]]', '_', 'g')",
  "regexp_matches(v, '(\\w+)\\s*(\\w*)')",
  "regexp_count(v, '[^a-z ]')",
  "regexp_count(v, lower(left(v, 1)), 1, 'i')",
  "regexp_split_to_array(v, '')",
  "v ilike upper('%' || right(v, 2))",
  "v like '_' || substr(v, 2)",
  "v ~* ('^' || left(v, 1))",
  "v similar to '%[a-z]%'",
  "(v || ' ' || v) like '%' || left(v, 1) || '% %'",
  'string_to_array(v, substr(v, 2, 1))',
  "to_tsvector('simple', v) @@ plainto_tsquery('simple', lower(v))",
  "format('%-8s|%5s', left(v, 3), v)",
  "('{\"k\": ' || to_json(v) || '}')::jsonb ->> 'k'",
  "to_char(id, '9\"' || left(v, 2) || '\"9')",
  "to_char(date '2024-03-05', '\"' || left(v, 3) || '\"DD Month')",
  'xmlelement(name a, v)',
  "v < 'm'",
  "encode(sha256(v::bytea), 'hex')",
]

const QUERIES = [
  'select v from t order by v, id',
  'select v from t order by upper(v) desc, id',
  'select min(v), max(v), count(distinct lower(v)) from t',
  'select a.id, b.id from t a join t b on lower(a.v) = lower(b.v) order by 1, 2',
  'create index on t (v text_pattern_ops)',
  ...["like 'p%'", "like 'Ä%'", "~ '^П'", "like '日%'", ">= 'é'"].map(
    condition => `select id from t where v ${condition} order by id`,
  ),
  "select U&'\\20AC', U&'\\00E4', U&'\\0416', U&'\\3042'",
  ...['233', '255', '256', '1046', '12354', '128512'].map(code => `select chr(${code}), ascii(chr(${code}))`),
  `select '"\\u00e4\\u3042\\u0416"'::json::text, '"\\u00e4"'::jsonb, '"\\u0416"'::jsonb, '"\\u3042"'::jsonb`,
  "select convert_from('\\xe4', getdatabaseencoding())",
  "select convert_from('\\xa4a2', getdatabaseencoding())",
  "select convert_from('\\xc3a4', 'UTF8'), convert_from('\\xff41', 'UTF8')",
  "select 'ä' || nope from t",
  "select v.ä from (select '日本' as v) v",
  'create table "größe" ("Ä" int, "日本語" text)',
  'select * from "größe"',
  "select relname from pg_class where relname ~ '^gr'",
  "do $$ begin raise notice 'größer 日本'; raise exception 'Жук % ä', 1; end $$",
  "select to_char(timestamptz '2024-03-05 12:00 Europe/Berlin', 'TMDay, DD. TMMonth YYYY')",
  'select encoding, datcollate, datctype, datlocprovider from pg_database where datname = current_database()',
  'select pg_encoding_max_length(encoding) from pg_database where datname = current_database()',
]

/** Statements in a new database of this encoding. */
export function statementsIn(encoding: string): string[] {
  const high = Array.from({ length: 32 }, (_, i) =>
    [0, 1, 2, 3].map(j => (0x80 + 4 * i + j).toString(16)).join(''),
  )
  return [
    'create table t (id serial, v text)',
    ...WORDS.map(word => `insert into t (v) values ('${word}') returning id, v, v::bytea`),
    // Bytes that are no characters would have all that follows fail.
    ...high.map(
      bytes =>
        `insert into t (v) select v from (select convert_from('\\x61${bytes}42', '${encoding}') as v) s where convert_to(v, 'UTF8') is not null returning id, v`,
    ),
    ...EXPRESSIONS.map(expression => `select id, ${expression} from t order by id`),
    ...QUERIES,
  ]
}
