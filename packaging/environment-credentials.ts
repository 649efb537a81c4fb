import { fromEnv } from '@aws-sdk/credential-provider-env';

/** Replaces the SDK's default credential provider chain: Lambda always has credentials in the environment. */
export const defaultProvider = () => fromEnv();
