/** The OAuth scopes of the Slack app. */
export const slackScopes = ['chat:write', 'commands'] as const;

/**
 * Builds the manifest of the Slack app.
 * @param requestUrl the URL to which Slack posts interactions and slash commands
 */
export function slackAppManifest(requestUrl: string, stage: string) {
  return {
    display_information: {
      name: `linkgate ${stage}`.slice(0, 35),
      description: 'Approves connections to your AWS PrivateLink endpoint services',
      background_color: '#1f2937',
    },
    features: {
      bot_user: { display_name: `linkgate-${stage}`.slice(0, 80), always_online: true },
      slash_commands: [
        {
          command: '/linkgate',
          url: requestUrl,
          description: 'Lists and decides your open requests',
          usage_hint: 'waiting | show | approve | deny | allow | help',
          should_escape: false,
        },
      ],
    },
    oauth_config: { scopes: { bot: [...slackScopes] } },
    settings: {
      interactivity: { is_enabled: true, request_url: requestUrl },
      org_deploy_enabled: false,
      socket_mode_enabled: false,
      token_rotation_enabled: false,
    },
  };
}
