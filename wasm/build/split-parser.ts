/**
 * Cuts the parser that bison generates from gram.y into pieces. bison puts the actions of all 2,279 rules into one loop of one
 * function, over 100 kB of WebAssembly. An engine considers it hot after a few statements, because it counts the bytes from the
 * loop's end to its start. Then it spends seconds to optimise it, and in some engines half a gigabyte, because the costs grow with
 * the square of the number of branches. This code turns the actions into functions of some dozens of rules each.
 */
import { BuildFailure } from './failure.js'

/** Rules for each function. */
const RULES = 64

/** The variables that an action uses: parameters by value, or by address if the action can change them. */
const PARAMETERS = [
  'int yyn',
  'YYSTYPE *yyvsp',
  'YYLTYPE *yylsp',
  'YYSTYPE *yyvalp',
  'YYLTYPE *yylocp',
  'core_yyscan_t yyscanner',
  'int yynerrs',
]
const ARGUMENTS = 'yyn, yyvsp, yylsp, &yyval, &yyloc, yyscanner, yynerrs'

const PARSER = '\nint\nyyparse ('
const START = '  switch (yyn)\n    {\n'
const END = '      default: break;\n    }\n'

export const isSplit = (text: string): boolean => text.includes('\nyyactions0(')

/** Splits the text of gram.c. */
export function splitParser(text: string): string {
  const [parser, start, end] = [PARSER, START, END].map(part => text.indexOf(part)) as [
    number,
    number,
    number,
  ]
  if (!(0 < parser && parser < start && start < end))
    throw new BuildFailure('bison has generated a parser of another form than expected')
  const actions = text.slice(start + START.length, end)
  const jump = /\bYY(ABORT|ACCEPT|ERROR|BACKUP)\b/.exec(actions)
  if (jump !== null) throw new BuildFailure(`an action of gram.y leaves the parser by ${jump[0]}`)

  const pieces: string[] = []
  for (const rule of actions.split(/^(?= {2}case \d+:)/m)) {
    const piece = Math.floor(Number(/^ {2}case (\d+):/.exec(rule)?.[1] ?? 0) / RULES)
    pieces[piece] = (pieces[piece] ?? '') + rule
  }
  const heading = (piece: number) => `static pg_noinline void\nyyactions${piece}(${PARAMETERS.join(', ')})`
  const numbers = [...pieces.keys()]
  return [
    text.slice(0, parser),
    ...numbers.map(piece => `\n${heading(piece)};\n`),
    text.slice(parser, start),
    `  switch (yyn / ${RULES})\n    {\n`,
    ...numbers.map(piece => `      case ${piece}: yyactions${piece}(${ARGUMENTS}); break;\n`),
    text.slice(end),
    '\n#define yyval (*yyvalp)\n#define yyloc (*yylocp)\n',
    ...numbers.map(piece => `\n${heading(piece)}\n{\n${START}${pieces[piece] ?? ''}${END}}\n`),
  ].join('')
}
