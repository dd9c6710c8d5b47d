import { tokenSecret, workerToken, type DeploymentPlan, type Rendered } from "./deployment-plan.ts";
import { fill, hcl, role } from "./terraform.ts";

/** AWS machines with one GPU, by the catalogue's ids. */
const machines: Readonly<Record<string, string>> = {
  t4: "g4dn.xlarge",
  l4: "g6.2xlarge",
  a10g: "g5.2xlarge",
  l40s: "g6e.2xlarge",
};

/**
 * Terraform for GPU tasks on ECS managed instances: cluster, capacity provider, task definition. The
 * token is a secret of Secrets Manager that is made beside it.
 */
export function renderEcs(plan: DeploymentPlan): Rendered {
  const found = ecsMachine(plan);
  if (!found.ok) return found;
  const { machine } = found;
  const text = fill(template, {
    region: hcl(plan.region),
    secret: hcl(tokenSecret),
    name: hcl(plan.name),
    role_instance: role(
      "instance",
      "ec2.amazonaws.com",
      "arn:aws:iam::aws:policy/AmazonECSInstanceRolePolicyForManagedInstances",
    ),
    instance: hcl(`${plan.name}-instance`),
    role_infrastructure: role(
      "infrastructure",
      "ecs.amazonaws.com",
      "arn:aws:iam::aws:policy/AmazonECSInfrastructureRolePolicyForManagedInstances",
    ),
    role_execution: role(
      "execution",
      "ecs-tasks.amazonaws.com",
      "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy",
    ),
    provider: hcl(`${plan.name}-gpu`),
    machine: hcl(machine),
    cpuCores: plan.cpuCores,
    memoryMib: plan.memoryGib * 1024,
    cpuUnits: plan.cpuCores * 1024,
    image: hcl(plan.image),
    diskGib: machineDiskGib,
    stopSeconds: Math.min(maxStopSeconds, plan.graceSeconds),
    gatewayUrl: hcl(plan.gatewayUrl),
    tokenVariable: hcl(workerToken),
  });
  return { ok: true, files: [{ path: "main.tf", text }] };
}

/** The type of machine, or a sentence on why there is none. */
export function ecsMachine({
  gpu,
}: DeploymentPlan):
  | { readonly ok: true; readonly machine: string }
  | { readonly ok: false; readonly reason: string } {
  const machine = machines[gpu.id];
  if (machine !== undefined) return { ok: true, machine };
  return { ok: false, reason: `AWS has no machine with a single ${gpu.name}.` };
}

/** What ECS gives a container to stop at most. */
export const maxStopSeconds = 120;
/** Models and the image. */
export const machineDiskGib = 200;

const template = `# Written by \`hearth deploy render ecs\`: terraform init && terraform apply
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20" }
  }
}

provider "aws" {
  region = @region@
}

variable "subnets" {
  type        = list(string)
  description = "Where GPU machines run; they need a way out to the gateway and the object store."
}

data "aws_secretsmanager_secret" "token" {
  name = @secret@
}

resource "aws_ecs_cluster" "workers" {
  name = @name@
}

resource "aws_security_group" "workers" {
  name        = @name@
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

@role_instance@
resource "aws_iam_instance_profile" "instance" {
  name = @instance@
  role = aws_iam_role.instance.name
}

@role_infrastructure@
@role_execution@
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
  name    = @provider@
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
        storage_size_gib = @diskGib@
      }

      instance_requirements {
        # ECS knows no name for the newer accelerators, so the machine says which one.
        allowed_instance_types = [@machine@]
        accelerator_types      = ["gpu"]

        vcpu_count {
          min = @cpuCores@
        }

        memory_mib {
          min = @memoryMib@
        }
      }
    }
  }
}

resource "aws_ecs_task_definition" "worker" {
  family                   = @name@
  requires_compatibilities = ["MANAGED_INSTANCES"]
  network_mode             = "awsvpc"
  cpu                      = @cpuUnits@
  memory                   = @memoryMib@
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([{
    name        = "worker"
    image       = @image@
    essential   = true
    stopTimeout = @stopSeconds@
    resourceRequirements = [{ type = "GPU", value = "1" }]
    environment          = [{ name = "HEARTH_GATEWAY_URL", value = @gatewayUrl@ }]
    secrets              = [{ name = @tokenVariable@, valueFrom = data.aws_secretsmanager_secret.token.arn }]
  }])
}
`;
