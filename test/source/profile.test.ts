import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PROFILE } from '../../wasm/build/profile.js'
import { compactProfile, llvmProfile } from '../../wasm/build/profile-text.js'

/** As `llvm-profdata merge --text` writes a function. */
const ofLlvm = (name: string, counts: readonly number[], rest: readonly string[] = []) =>
  [
    name,
    '# Func Hash:',
    '742261418966908927',
    '# Num Counters:',
    counts.length,
    '# Counter Values:',
    ...counts,
    ...rest,
    '',
  ].join('\n')

const text = (...functions: string[]) => `# IR level Instrumentation Flag\n:ir\n${functions.join('\n')}`

test('of a training run it is kept what ran often, rounded, and which large functions never ran', () => {
  const valueSites = [
    '# Num Value Kinds:',
    '1',
    '# ValueKind = IPVK_MemOPSize:',
    '1',
    '# NumValueSites:',
    '1',
    '0',
  ]
  const all = text(
    ofLlvm('often', [186_445_334, 0, 0, 7, 7, 12_345], valueSites),
    ofLlvm('seldom', [12, 3]),
    ofLlvm('never.c;large', Array(9).fill(0)),
    ofLlvm('never_small', [0, 0]),
  )
  expect(compactProfile(all)).toBe(
    'often 742261418966908927 186e6 0*2 7*2 123e2\nnever.c;large 742261418966908927 0*9\n',
  )
})

test('LLVM gets back what was kept', () => {
  const kept = 'often 742261418966908927 186e6 0*2 7*2\nnever.c;large 742261418966908927 0*9\n'
  expect(llvmProfile(kept)).toBe(
    text(ofLlvm('often', [186_000_000, 0, 0, 7, 7]), ofLlvm('never.c;large', Array(9).fill(0))),
  )
})

test("the repository's profile has the functions that each statement runs", () => {
  const names = new Set(
    readFileSync(PROFILE, 'utf8')
      .split('\n')
      .map(line => line.split(' ')[0]),
  )
  expect(names).toContain('heap_getnext')
  expect(names).toContain('src/backend/executor/execExprInterp.c;ExecInterpExpr')
  expect(names).toContain('palloc')
})
