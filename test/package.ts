import { packageService } from '../packaging/package.mjs';

/** Makes the package that goes to AWS, which the tests of the whole run in the sandbox. */
export default function makePackage(): Promise<void> {
  return packageService('local');
}
