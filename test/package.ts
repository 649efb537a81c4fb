import { packageService } from '../packaging/package.mjs';

/** Creates the package for AWS, which end-to-end tests deploy in the sandbox. */
export default function makePackage(): Promise<void> {
  return packageService('local');
}
