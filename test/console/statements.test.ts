/** How the editor's text is cut into statements, and where an error's position is in it. */
import { expect, test } from 'vitest'
import { offsetOf, statementAt, statementsIn } from '../../server/console/page/query/statements.js'

const cut = (text: string) => statementsIn(text).map(({ sql }) => sql)

test.each<[string, string, string[]]>([
  ['nothing', ' \n-- nothing\n', []],
  ['semicolons alone', ';;', []],
  ['the last one without a semicolon', 'select 1; select 2', ['select 1', 'select 2']],
  ['strings', `select ';', e'\\';', U&"a;b"; select 2`, [`select ';', e'\\';', U&"a;b"`, 'select 2']],
  ['dollar quotes', 'do $a$ begin; $$ ; $$ end $a$; select 2', ['do $a$ begin; $$ ; $$ end $a$', 'select 2']],
  [
    'comments',
    'select 1 /* ; /* ; */ ; */ + 1; -- ;\nselect 2',
    ['select 1 /* ; /* ; */ ; */ + 1', 'select 2'],
  ],
  [
    'functions in standard SQL',
    'create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3',
    [
      'create function f() returns int begin atomic select case when true then 1 end; select 2; end',
      'select 3',
    ],
  ],
  ['transactions', 'begin; end; select 1', ['begin', 'end', 'select 1']],
])('%s', (_, text, expected) => {
  expect(cut(text)).toEqual(expected)
})

test('a statement knows its place', () => {
  const text = ' select 1 ;\n\n select 2'
  for (const { from, to, sql } of statementsIn(text)) expect(text.slice(from, to)).toBe(sql)
  expect([0, 5, 12, 22].map(place => statementAt(statementsIn(text), place)?.sql)).toEqual([
    'select 2',
    'select 1',
    'select 2',
    'select 2',
  ])
})

test('a position counts characters, also those of two code units', () => {
  const sql = `select '🐘', nonsense`
  expect(sql.slice(offsetOf(sql, 13))).toBe('nonsense')
})
