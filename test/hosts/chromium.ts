/**
 * Chromium from npm, with the libraries that a new machine may not have. The package is made for a cloud function: it unpacks
 * itself into the directory for temporary files, and its libraries if it believes to be in one.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import puppeteer, { type Browser } from 'puppeteer-core'
import { repository } from './package.js'

const UNPACK = `
  const { default: chromium } = await import('@sparticuz/chromium')
  console.log(await chromium.executablePath())
`

/** @param folder that it is unpacked into */
export async function launchChromium(folder: string): Promise<Browser> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', UNPACK], {
    cwd: repository,
    env: { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'nodejs22.x' },
  })
  return puppeteer.launch({
    executablePath: stdout.trim(),
    headless: 'shell',
    // There is no sandbox for root.
    args: ['--no-sandbox'],
    env: { ...process.env, TMPDIR: folder, HOME: folder, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') },
    protocolTimeout: 240_000,
  })
}
