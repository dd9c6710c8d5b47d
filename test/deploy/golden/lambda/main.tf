# Written by `hearth deploy render lambda`: terraform init && terraform apply
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20" }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "image" {
  type        = string
  description = "A container image for Lambda whose handler is src/cli/lambda/handler.ts."
}

variable "bucket" {
  type        = string
  description = "Where inputs and outputs are kept."
}

variable "public_url" {
  type        = string
  description = "How clients reach the API: its domain, or the endpoint that the first apply prints."
}

variable "secret" {
  type        = string
  description = "The ARN of a secret whose JSON holds DATABASE_URL, HEARTH_SEAL_KEY and HEARTH_BLOB_SIGNING_KEY."
}

resource "aws_iam_role" "gateway" {
  name_prefix = "hearth-gateway-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "gateway" {
  role       = aws_iam_role.gateway.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}

resource "aws_iam_role_policy" "bucket" {
  name = "objects"
  role = aws_iam_role.gateway.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
        Resource = ["arn:aws:s3:::${var.bucket}", "arn:aws:s3:::${var.bucket}/*"]
      },
      {
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [var.secret]
      },
    ]
  })
}

resource "aws_lambda_function" "gateway" {
  function_name = "portraits-gateway"
  role          = aws_iam_role.gateway.arn
  package_type  = "Image"
  image_uri     = var.image
  timeout       = 30
  memory_size   = 1024

  environment {
    variables = {
      HEARTH_PUBLIC_URL = var.public_url
      HEARTH_S3_BUCKET  = var.bucket
      HEARTH_S3_REGION  = "us-east-1"
      HEARTH_SECRET_ID  = var.secret
    }
  }
}

resource "aws_apigatewayv2_api" "gateway" {
  name          = "portraits-gateway"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "gateway" {
  api_id                 = aws_apigatewayv2_api.gateway.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.gateway.invoke_arn
  payload_format_version = "2.0"
}

resource "aws_apigatewayv2_route" "gateway" {
  api_id    = aws_apigatewayv2_api.gateway.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.gateway.id}"
}

resource "aws_apigatewayv2_stage" "gateway" {
  api_id      = aws_apigatewayv2_api.gateway.id
  name        = "$default"
  auto_deploy = true
}

resource "aws_lambda_permission" "gateway" {
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.gateway.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.gateway.execution_arn}/*"
}

output "endpoint" {
  value = aws_apigatewayv2_api.gateway.api_endpoint
}
