import type { Context } from 'hono';
import { type DeliveryStatus, readDeliveryStatuses } from '../../customer-notifications/delivery-status.ts';
import { contactEmails, subscribeContact } from '../../customer-notifications/subscribe-contact.ts';
import { type Customer, customerEntity, customerKey, listCustomers } from '../../customers/customer.ts';
import { removeCustomer, setCustomer } from '../../customers/set-customer.ts';
import { orReported } from '../../runtime/runtime.ts';
import { listIfAllReadable } from '../../storage/entity.ts';
import { ApiError } from '../api-error.ts';
import { identifyCaller, warnNextApplyRestores, warnPolicyFileOverride } from '../caller.ts';
import type { ApiApp, ApiDeps, ApiEnv } from '../env.ts';
import { alreadyRemovedWarning, isPossibleRetry } from '../idempotency-key.ts';
import { CustomerInput, CustomerName, readBody, validateInput } from '../input.ts';
import { pathParameter } from '../route.ts';

export function customersRoutes(app: ApiApp): void {
  app.get('/customers', async (context) =>
    context.json({
      customers: await withDeliveryStatus(await listCustomers(context.get('api')), context.get('api')),
    }),
  );
  app.get('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = requireCustomerName(context);
    const customer = await customerEntity.find(customerKey(name), api.table);
    if (!customer) throw unknownCustomerError(name);
    const [view] = await withDeliveryStatus([customer], api);
    return context.json({ customer: view });
  });
  app.put('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = requireCustomerName(context);
    const settings = validateInput(CustomerInput, await readBody(context), 'the customer');
    const before = await customerEntity.find(customerKey(name), api.table);
    const managedBy = identifyCaller(context);
    const customer = await setCustomer(name, { ...settings, managedBy }, api.caller, api);
    const warnings = await subscribeContact(customer, await listIfAllReadable(listCustomers, api), api);
    return context.json({
      customer: customerView(customer),
      warnings: [...warnPolicyFileOverride(before, 'customer'), ...warnings],
    });
  });
  app.delete('/customers/:name', async (context) => {
    const api = context.get('api');
    const name = requireCustomerName(context);
    const customer = await removeCustomer(name, api);
    if (!customer && !isPossibleRetry(context)) throw unknownCustomerError(name);
    const hadAddress = customer === undefined || contactEmails(customer).length > 0;
    const warnings = hadAddress
      ? await subscribeContact({ name }, await listIfAllReadable(listCustomers, api), api)
      : [];
    const first = customer ? warnNextApplyRestores(customer, 'customer') : [alreadyRemovedWarning];
    return context.json({
      ...(customer && { customer: customerView(customer) }),
      warnings: [...first, ...warnings],
    });
  });
}

/** @throws ApiError if the path's `{name}` is not a valid customer name. */
function requireCustomerName(context: Context<ApiEnv>): string {
  return validateInput(CustomerName, pathParameter(context, 'name'), "the customer's name");
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
