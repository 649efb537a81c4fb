export default {
  globalSetup: '<rootDir>/test/package.ts',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Most of the time is spent in sandboxes, which are processes of their own: one test waits while another one works.
  maxWorkers: 2,
  // A bound on hanging, also on a busy machine, and not a measure.
  testTimeout: 30_000,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
};
