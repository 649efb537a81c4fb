import { connectSlack } from '../../slack/connect.ts';
import { appManifest } from '../../slack/manifest.ts';
import type { ApiApp } from '../env.ts';
import { bodyOf, SlackInput, valid } from '../input.ts';

export function slackRoutes(app: ApiApp): void {
  app.get('/slack/manifest', (context) => {
    const { slackRequestUrl, deployment } = context.get('api');
    return context.json({ manifest: appManifest(slackRequestUrl, deployment.stage) });
  });
  app.put('/slack', async (context) => {
    const given = valid(SlackInput, await bodyOf(context), 'what connects Slack');
    return context.json(await connectSlack(given, context.get('api')));
  });
}
