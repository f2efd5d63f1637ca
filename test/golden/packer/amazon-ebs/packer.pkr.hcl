packer {
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.8.2"
    }
  }
}

variable "aws_access_key_id" {
  type      = string
  default   = env("AWS_ACCESS_KEY_ID")
  sensitive = true
}

variable "aws_secret_access_key" {
  type      = string
  default   = env("AWS_SECRET_ACCESS_KEY")
  sensitive = true
}

variable "region" {
  type    = string
  default = "eu-central-1"
}

variable "release" {
  type        = string
  default     = "dev"
  description = "What goes into the image's name and tags"
}

locals {
  name = "web-${var.release}-${formatdate("YYYYMMDD-hhmm", timestamp())}"
}

# web/amazon-ebs
source "amazon-ebs" "web" {
  access_key                  = var.aws_access_key_id
  ami_description             = "Web server, release ${var.release}"
  ami_name                    = local.name
  ami_regions                 = ["eu-west-1"]
  associate_public_ip_address = true
  encrypt_boot                = false
  instance_type               = "t3.small"
  region                      = var.region
  run_tags = {
    Name = "building ${local.name}"
  }
  secret_key   = var.aws_secret_access_key
  ssh_username = "ubuntu"
  tags = {
    BaseAmi       = "{{ .SourceAMI }}"
    Name          = local.name
    Release       = var.release
    "cost:centre" = "4711"
  }

  launch_block_device_mappings {
    delete_on_termination = true
    device_name           = "/dev/sda1"
    volume_size           = 20
    volume_type           = "gp2"
  }

  launch_block_device_mappings {
    delete_on_termination = true
    device_name           = "/dev/sdb"
    volume_size           = 100
    volume_type           = "st1"
  }

  source_ami_filter {
    filters = {
      name                = "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-*"
      root-device-type    = "ebs"
      virtualization-type = "hvm"
    }
    most_recent = true
    owners      = ["099720109477"]
  }

  subnet_filter {
    filters = {
      "tag:Class" = "build"
    }
    most_free = true
  }

  temporary_iam_instance_profile_policy_document {
    Version = "2012-10-17"

    Statement {
      Action   = ["s3:GetObject"]
      Effect   = "Allow"
      Resource = ["arn:aws:s3:::releases/*"]
    }
  }

  vpc_filter {
    filters = {
      isDefault   = "false"
      "tag:Class" = "build"
    }
  }
}

# web
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]

  # web/file
  provisioner "file" {
    destination = "/tmp/site"
    source      = "site"
  }

  # web/shell
  provisioner "shell" {
    max_retries = 3

    environment_vars = ["RELEASE=${var.release}"]
    inline = [
      "sudo apt-get update",
      "sudo apt-get install -y nginx",
      "sudo mv /tmp/site /srv/www",
    ]
  }

  # web/manifest
  post-processor "manifest" {
    custom_data = {
      release = var.release
    }
    output     = "manifest.json"
    strip_path = true
  }
}
