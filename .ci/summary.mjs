/**
 * Says on one line how many tests have passed and failed, and ends with 1 unless all have passed.
 *
 *     node .ci/summary.mjs SUITES STATUS RESULTS...
 *
 * RESULTS are files that Vitest's JSON reporter has written, SUITES is what `npm run test:postgres` has printed, and STATUS is not 0
 * when any other command has failed. This is JavaScript, so that it also works when TypeScript could not be compiled.
 */
import { readFileSync } from 'node:fs'

/** @typedef {{ status: string, fullName: string }} Test */
/** @typedef {{ name: string, status: string, assertionResults: Test[] }} TestFile */
/** @typedef {{ passed: number, failed: number }} Count */

/** How many runs of PostgreSQL's suites there are. */
const RUNS = 2

/** @param {string} file @returns {Count} */
function countTests(file) {
  /** @type {{ numPassedTests: number, numTotalTests: number, testResults: TestFile[] }} */
  const results = JSON.parse(readFileSync(file, 'utf8'))
  for (const { name, assertionResults } of results.testResults)
    for (const test of assertionResults)
      if (test.status !== 'passed') console.log(`${test.status}: ${name} > ${test.fullName}`)
  // A file that could not even be loaded, or whose hooks fail, counts as one.
  const broken = results.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && assertionResults.every(test => test.status === 'passed'),
  )
  for (const { name } of broken) console.log(`failed: ${name}`)
  // A test that was skipped does not show that anything works.
  const failed = results.numTotalTests - results.numPassedTests + broken.length
  return { passed: results.numPassedTests, failed: results.numTotalTests + failed === 0 ? 1 : failed }
}

/** @param {string} file @returns {Count} */
function countSuites(file) {
  const runs = [...readFileSync(file, 'utf8').matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)]
  const count = { passed: 0, failed: 0 }
  if (runs.length < RUNS) {
    console.log('no results of some PostgreSQL suites')
    count.failed = 1
  }
  for (const [, passed, failed, skipped] of runs) {
    count.passed += Number(passed)
    count.failed += Number(failed) + Number(skipped)
  }
  return count
}

/** @param {(file: string) => Count} count @param {string} file @returns {Count} */
function countedFrom(count, file) {
  try {
    return count(file)
  } catch (error) {
    console.log(`no results in ${file}: ${error}`)
    return { passed: 0, failed: 1 }
  }
}

const [suites = '', status, ...results] = process.argv.slice(2)
const counts = [...results.map(file => countedFrom(countTests, file)), countedFrom(countSuites, suites)]
const passed = counts.reduce((sum, count) => sum + count.passed, 0)
let failed = counts.reduce((sum, count) => sum + count.failed, 0)
if (status !== '0' && failed === 0) failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
