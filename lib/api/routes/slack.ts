import { slackAppManifest } from '../../channels/slack/manifest.ts';
import { connectSlack } from '../../operations/connect-slack.ts';
import type { ApiApp } from '../env.ts';
import { readBody, SlackInput, validateInput } from '../input.ts';

export function slackRoutes(app: ApiApp): void {
  app.get('/slack/manifest', (context) => {
    const { slackRequestUrl, deployment } = context.get('api');
    return context.json({ manifest: slackAppManifest(slackRequestUrl, deployment.stage) });
  });
  app.put('/slack', async (context) => {
    const input = validateInput(SlackInput, await readBody(context), 'the Slack secrets');
    return context.json(await connectSlack(input, context.get('api')));
  });
}
