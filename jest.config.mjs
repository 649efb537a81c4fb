export default {
  globalSetup: '<rootDir>/test/package.ts',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
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
