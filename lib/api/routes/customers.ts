import { type DeliveryStatus, readDeliveryStatuses } from '../../customer-notifications/delivery-status.ts';
import { contactEmails, subscribeContact } from '../../customer-notifications/subscribe-contact.ts';
import { type Customer, customerEntity, customerKey, listCustomers } from '../../customers/customer.ts';
import { removeCustomer, setCustomer } from '../../customers/set-customer.ts';
import { orReported } from '../../runtime/runtime.ts';
import { listIfAllReadable } from '../../storage/entity.ts';
import { ApiError } from '../api-error.ts';
import type { ApiDeps } from '../env.ts';
import { alreadyRemovedWarning } from '../idempotency-key.ts';
import { CustomerInput, CustomerName, validateInput } from '../input.ts';
import { warnNextApplyRestores, warnPolicyFileOverride } from '../policy-file-warnings.ts';
import type { ApiRequest, Routes } from '../request.ts';

export const customersRoutes: Routes = {
  'GET /customers': async (_request, api) => ({
    customers: await withDeliveryStatus(await listCustomers(api), api),
  }),
  'GET /customers/{name}': async (request, api) => {
    const name = requireCustomerName(request);
    const customer = await customerEntity.find(customerKey(name), api.table);
    if (!customer) throw unknownCustomerError(name);
    const [view] = await withDeliveryStatus([customer], api);
    return { customer: view };
  },
  'PUT /customers/{name}': async (request, api) => {
    const name = requireCustomerName(request);
    const settings = await request.body(CustomerInput, 'the customer');
    const before = await customerEntity.find(customerKey(name), api.table);
    const input = { ...settings, managedBy: request.managedBy };
    const customer = await setCustomer(name, input, api.caller, api);
    const warnings = await subscribeContact(customer, await listIfAllReadable(listCustomers, api), api);
    return {
      customer: customerView(customer),
      warnings: [...warnPolicyFileOverride(before, 'customer'), ...warnings],
    };
  },
  'DELETE /customers/{name}': async (request, api) => {
    const name = requireCustomerName(request);
    const customer = await removeCustomer(name, api);
    if (!customer && !request.isPossibleRetry) throw unknownCustomerError(name);
    const hadAddress = customer === undefined || contactEmails(customer).length > 0;
    const warnings = hadAddress
      ? await subscribeContact({ name }, await listIfAllReadable(listCustomers, api), api)
      : [];
    const first = customer ? warnNextApplyRestores(customer, 'customer') : [alreadyRemovedWarning];
    return {
      ...(customer && { customer: customerView(customer) }),
      warnings: [...first, ...warnings],
    };
  },
};

/** @throws ApiError if the path's `{name}` is not a valid customer name. */
function requireCustomerName(request: ApiRequest): string {
  return validateInput(CustomerName, request.parameter('name'), "the customer's name");
}

function unknownCustomerError(name: string): ApiError {
  return new ApiError(
    404,
    'UnknownCustomer',
    `there is no customer \`${name}\`; see \`linkgate customer list\``,
  );
}

/** Adds the delivery status of each contact, unless SNS is unavailable. */
async function withDeliveryStatus(all: readonly Customer[], deps: ApiDeps) {
  const statuses = await orReported(deps.reportError, 'read delivery status', () =>
    readDeliveryStatuses(all, deps),
  );
  return all.map((customer, position) => customerView(customer, statuses?.[position]));
}

function customerView({ version: _version, ...customer }: Customer, delivery?: DeliveryStatus) {
  return { ...customer, ...(delivery && { delivery }) };
}
