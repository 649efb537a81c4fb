/** Takes the screenshots of docs/ from the sandbox in Chromium: `node docs/screenshots.ts`, in a Node that strips types. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  CreateVpcEndpointCommand,
  CreateVpcEndpointServiceConfigurationCommand,
  EC2Client,
  ModifyVpcEndpointServicePermissionsCommand,
} from '@aws-sdk/client-ec2';
import { chromium, type Locator, type Page } from 'playwright-core';
import { provider } from '../sandbox/accounts.ts';
import { callLinkgate } from '../sandbox/linkgate-api.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const customer = '444444444444';
/** The consumers of the digest; some create more endpoints than others. */
const askers = [
  '222222222222',
  '333333333333',
  '222222222222',
  '555555555555',
  '222222222222',
  '333333333333',
];
/** The number of requests; each of the first ten in a minute has its own message. */
const inAStorm = 24;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  // Greyscale antialiasing of text makes smaller files.
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-lcd-text',
  ],
});
const { sandbox, origin } = await startSandbox();
try {
  // The viewport has the width of a phone and the height of the longest message.
  const context = await browser.newContext({
    viewport: { width: 480, height: 1200 },
    deviceScaleFactor: 1.5,
  });
  const page = await context.newPage();
  await ask('PUT', '/_sandbox/throttling', { enabled: false });
  const payments = await makeService('payments');
  await oneRequest(payments, page);
  await oneEnding(payments, page);
  const reports = await makeService('reports');
  await aLink(reports);
  await storm(reports, page);
} finally {
  await browser.close();
  sandbox.kill();
}

/** Takes the request of the `npm start` demo, then one beyond the endpoint limit of an entry, which a person approves. */
async function oneRequest(service: Service, page: Page): Promise<void> {
  const note = 'Northwind Traders, contract 2026-114';
  const message = page.locator('article.message:not(.private)').last();
  await requestConnection(customer, service);
  await page.goto(`${origin}/slack?channel=C01APPROVALS&user=U01ALICE`);
  await take('slack-story', message);

  await linkgate('PUT', `/allowlist/${service.name}/${customer}`, { effect: 'allow', maxEndpoints: 1, note });
  // linkgate accepts the first endpoint, and describes it as available.
  await passTime(20);
  await requestConnection(customer, service);
  await page.reload();
  await take('slack-open', message);
  await message.getByRole('button', { name: 'Deny' }).click();
  await page.getByLabel('Reason').fill('Their contract says one endpoint');
  await take('slack-deny', page.locator('dialog.modal'));
  await page.getByRole('button', { name: 'Cancel' }).click();

  await message.getByRole('button', { name: 'Approve', exact: true }).click();
  await message.getByText('Connected:').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await take('slack-connected', message);
}

/** Removes the customer's entry: linkgate schedules the disconnect of the endpoint that only the entry allowed. */
async function oneEnding(service: Service, page: Page): Promise<void> {
  await linkgate('DELETE', `/allowlist/${service.name}/${customer}`);
  // linkgate batches the connections of one account, so the message has a delay.
  await passTime(10);
  const message = page.locator('article.message', { hasText: 'Disconnect scheduled:' });
  await message.waitFor();
  await take('slack-scheduled-disconnect', message);
}

/** Takes the page of an approval link from an email. */
async function aLink(service: Service): Promise<void> {
  await requestConnection(customer, service);
  const page = await browser.newPage({ viewport: { width: 720, height: 900 } });
  await page.goto(await linkOfLastMail());
  await take('link-approve', page.locator('body'));
  await page.close();
}

/** Takes the digest of more requests in a minute than the throttle allows. */
async function storm(service: Service, page: Page): Promise<void> {
  for (let index = 0; index < inAStorm; index++)
    await requestConnection(askers[index % askers.length] ?? customer, service);
  const digest = page.locator('article.message', { hasText: 'Commands for one request or another account' });
  // linkgate updates the digest while requests arrive.
  await passTime(10);
  await digest.waitFor();
  await take('slack-digest', digest);
}

async function take(name: string, target: Locator): Promise<void> {
  await target.screenshot({ path: `${root}docs/images/${name}.png`, animations: 'disabled' });
}

interface Service {
  readonly name: string;
  /** The `ServiceName` of CreateVpcEndpoint. */
  readonly serviceName: string;
}

async function makeService(name: string): Promise<Service> {
  const ec2 = createEc2Client(provider.accountId);
  const balancer = `arn:aws:elasticloadbalancing:${provider.region}:${provider.accountId}:loadbalancer/net/svc/0123456789abcdef`;
  const { ServiceConfiguration } = await ec2.send(
    new CreateVpcEndpointServiceConfigurationCommand({
      AcceptanceRequired: true,
      NetworkLoadBalancerArns: [balancer],
    }),
  );
  const { ServiceId: serviceId = '', ServiceName: serviceName = '' } = ServiceConfiguration ?? {};
  await ec2.send(
    new ModifyVpcEndpointServicePermissionsCommand({ ServiceId: serviceId, AddAllowedPrincipals: ['*'] }),
  );
  await linkgate('POST', '/services', { serviceId, name });
  return { name, serviceName };
}

/** Creates an endpoint in an account, and waits until the sandbox is idle. */
async function requestConnection(accountId: string, { serviceName }: Service): Promise<void> {
  const endpoint = { VpcId: 'vpc-0123456789abcdef0', SubnetIds: ['subnet-0123456789abcdef0'] };
  await createEc2Client(accountId).send(
    new CreateVpcEndpointCommand({ VpcEndpointType: 'Interface', ServiceName: serviceName, ...endpoint }),
  );
  await ask('GET', '/_sandbox/idle');
}

async function passTime(advanceSeconds: number): Promise<void> {
  await ask('POST', '/_sandbox/clock', { advanceSeconds });
  await ask('GET', '/_sandbox/idle');
}

async function linkOfLastMail(): Promise<string> {
  const { messages } = (await ask('GET', '/mail')) as { messages: readonly { text: string }[] };
  return /^http\S+$/m.exec(messages.at(-1)?.text ?? '')?.[0] ?? '';
}

function createEc2Client(accountId: string): EC2Client {
  const credentials = { accessKeyId: accountId, secretAccessKey: 'not-verified' };
  return new EC2Client({ endpoint: origin, region: provider.region, credentials });
}

async function linkgate(method: string, path: string, input?: object): Promise<void> {
  const { ApiUrl } = (await ask('GET', '/_sandbox/outputs')) as { ApiUrl: string };
  await callLinkgate(ApiUrl, provider.accountId, method, path, input);
}

async function ask(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${origin}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function startSandbox(): Promise<{ sandbox: ChildProcess; origin: string }> {
  const child = spawn(process.execPath, ['sandbox/main.ts', '--empty', '--quiet', '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the sandbox ended')));
  for (;;) {
    const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), ended]);
    const [, address] = /ready on (\S+)/.exec(String(line)) ?? [];
    if (address !== undefined) return { sandbox: child, origin: address };
  }
}
