# What the pages of docs/ begin with, for a second terminal beside `npm start -- --empty`:  . docs/shell.sh
# With another port than 4570, export AWS_ENDPOINT_URL first.
export AWS_ENDPOINT_URL=${AWS_ENDPOINT_URL:-http://127.0.0.1:4570} AWS_DEFAULT_REGION=us-east-1
export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=any AWS_PAGER=

# Version 1 of the AWS CLI sends calls of SQS past AWS_ENDPOINT_URL, unless it is named once more.
aws() {
  command aws ${AWS_ENDPOINT_URL:+--endpoint-url=$AWS_ENDPOINT_URL} "$@"
}

# The provider makes an endpoint service that every account may ask to connect to. Prints its id.
create_service() {
  local id
  id=$(aws ec2 create-vpc-endpoint-service-configuration --acceptance-required \
    --network-load-balancer-arns arn:aws:elasticloadbalancing:us-east-1:111111111111:loadbalancer/net/svc/0123456789abcdef \
    --query ServiceConfiguration.ServiceId --output text)
  aws ec2 modify-vpc-endpoint-service-permissions --service-id "$id" --add-allowed-principals '*' > /dev/null
  echo "$id"
}

# connect ACCOUNT: that account creates an interface endpoint to $SERVICE. Prints its id.
connect() {
  AWS_ACCESS_KEY_ID=$1 aws ec2 create-vpc-endpoint --vpc-endpoint-type Interface \
    --vpc-id vpc-0123456789abcdef0 --subnet-ids subnet-0123456789abcdef0 \
    --service-name "com.amazonaws.vpce.$AWS_DEFAULT_REGION.$SERVICE" \
    --query VpcEndpoint.VpcEndpointId --output text
}

# Returns when linkgate has handled all that happened.
settle() {
  curl -s "$AWS_ENDPOINT_URL/_sandbox/idle" > /dev/null
}

# advance SECONDS: moves the sandbox's clock, and settles.
advance() {
  curl -s "$AWS_ENDPOINT_URL/_sandbox/clock" -d "{\"advanceSeconds\": $1}" > /dev/null
  settle
}
