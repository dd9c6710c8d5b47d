# Written by `hearth deploy render ecs`: terraform init && terraform apply
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20" }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "subnets" {
  type        = list(string)
  description = "Where GPU machines run; they need a way out to the gateway and the object store."
}

data "aws_secretsmanager_secret" "token" {
  name = "hearth-worker-token"
}

resource "aws_ecs_cluster" "workers" {
  name = "portraits"
}

resource "aws_security_group" "workers" {
  name        = "portraits"
  description = "Hearth workers: out only"
  vpc_id      = data.aws_subnet.first.vpc_id

  egress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

data "aws_subnet" "first" {
  id = var.subnets[0]
}

resource "aws_iam_role" "instance" {
  name_prefix = "hearth-instance-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ec2.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "instance" {
  role       = aws_iam_role.instance.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonECSInstanceRolePolicyForManagedInstances"
}

resource "aws_iam_instance_profile" "instance" {
  name = "portraits-instance"
  role = aws_iam_role.instance.name
}

resource "aws_iam_role" "infrastructure" {
  name_prefix = "hearth-infrastructure-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "infrastructure" {
  role       = aws_iam_role.infrastructure.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances"
}

resource "aws_iam_role" "execution" {
  name_prefix = "hearth-execution-"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "token" {
  name = "read-token"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = data.aws_secretsmanager_secret.token.arn
    }]
  })
}

resource "aws_ecs_capacity_provider" "gpu" {
  name    = "portraits-gpu"
  cluster = aws_ecs_cluster.workers.name

  managed_instances_provider {
    infrastructure_role_arn = aws_iam_role.infrastructure.arn

    instance_launch_template {
      ec2_instance_profile_arn = aws_iam_instance_profile.instance.arn

      network_configuration {
        subnets         = var.subnets
        security_groups = [aws_security_group.workers.id]
      }

      storage_configuration {
        storage_size_gib = 200
      }

      instance_requirements {
        # ECS knows no name for the newer accelerators, so the machine says which one.
        allowed_instance_types = ["g6.2xlarge"]
        accelerator_types      = ["gpu"]

        vcpu_count {
          min = 4
        }

        memory_mib {
          min = 16384
        }
      }
    }
  }
}

resource "aws_ecs_task_definition" "worker" {
  family                   = "portraits"
  requires_compatibilities = ["MANAGED_INSTANCES"]
  network_mode             = "awsvpc"
  cpu                      = 4096
  memory                   = 16384
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([{
    name        = "worker"
    image       = "registry.example/portraits:r1"
    essential   = true
    stopTimeout = 120
    resourceRequirements = [{ type = "GPU", value = "1" }]
    environment          = [{ name = "HEARTH_GATEWAY_URL", value = "https://hearth.example" }]
    secrets              = [{ name = "HEARTH_ENROLLMENT_TOKEN", valueFrom = data.aws_secretsmanager_secret.token.arn }]
  }])
}
