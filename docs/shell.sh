# The commands of docs/ for a second terminal beside `npm start -- --empty`:  . docs/shell.sh
# For another port than 4570, export AWS_ENDPOINT_URL first.
export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4570} AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any AWS_PAGER=

# Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL in SQS commands, but not --endpoint-url.
aws() {
  command aws ${AWS_ENDPOINT_URL:+--endpoint-url=$AWS_ENDPOINT_URL} "$@"
}

# Creates an endpoint service of the provider that allows all principals. Prints its id.
create_service() {
  local id
  id=$(aws ec2 create-vpc-endpoint-service-configuration --acceptance-required \
    --network-load-balancer-arns arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0123456789abcdef \
    --query ServiceConfiguration.ServiceId --output text)
  aws ec2 modify-vpc-endpoint-service-permissions --service-id "$id" --add-allowed-principals '*' > /dev/null
  echo "$id"
}

# connect ACCOUNT: creates an interface endpoint of the account to $SERVICE. Prints its id.
connect() {
  AWS_ACCESS_KEY_ID=$1 aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface \
    --vpc-id vpc-0123456789abcdef0 --subnet-ids subnet-0123456789abcdef0 \
    --service-name "com.amazonaws.vpce.$AWS_DEFAULT_REGION.$SERVICE" \
    --query VpcEndpoint.VpcEndpointId --output text
}

# Waits until the sandbox is idle.
settle() {
  curl -s "$AWS_ENDPOINT_URL/_sandbox/idle" > /dev/null
}

# advance SECONDS: advances the sandbox's clock, and waits until the sandbox is idle.
advance() {
  curl -s "$AWS_ENDPOINT_URL/_sandbox/clock" -d "{\"advanceSeconds\": $1}" > /dev/null
  settle
}
