import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, test } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';

const executablePath = '/usr/bin/chromium';
const hasBrowser = existsSync(executablePath);

/** A test that is skipped on a machine without a browser. */
export const inBrowser = hasBrowser ? test : test.skip;

/** Starts a browser for the tests of a file, and closes after each test what `closeLater` names. */
export function useBrowser(what: string) {
  if (!hasBrowser) console.warn(`NOT TESTED: ${what} in a browser, for want of ${executablePath}`);
  let browser: Browser;
  const open: { close(): unknown }[] = [];
  beforeAll(async () => {
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    if (hasBrowser) browser = await chromium.launch({ executablePath, args });
  }, 60_000);
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  afterAll(() => browser?.close());
  return {
    closeLater: (...more: { close(): unknown }[]) => void open.push(...more),
    /** Opens a page, and collects its errors. */
    async visit(address: string, width = 1000): Promise<{ page: Page; errors: string[] }> {
      const page = await browser.newPage({ viewport: { width, height: 800 } });
      open.push(page);
      const errors: string[] = [];
      page.on('pageerror', ({ message }) => errors.push(message));
      page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
      await page.goto(address);
      return { page, errors };
    },
  };
}
