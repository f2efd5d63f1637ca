packer {
  required_plugins {
    googlecompute = {
      source  = "github.com/hashicorp/googlecompute"
      version = ">= 1.2.7"
    }
  }
}

variable "project_id" {
  type        = string
  description = "Project to build in"
}

# worker/googlecompute
source "googlecompute" "worker" {
  account_file = "account.json"
  disk_size    = 20
  image_family = "worker"
  image_labels = {
    team = "platform"
  }
  image_name   = "worker-{{timestamp}}"
  machine_type = "n1-standard-1"
  metadata = {
    enable-oslogin = "false"
  }
  project_id          = var.project_id
  scopes              = ["https://www.googleapis.com/auth/cloud-platform"]
  source_image_family = "debian-10"
  ssh_username        = "packer"
  tags                = ["build"]
  zone                = "europe-west3-a"
}

# worker
build {
  name    = "worker"
  sources = ["source.googlecompute.worker"]

  # worker/shell
  provisioner "shell" {
    inline = ["sudo apt-get update", "sudo apt-get install -y docker.io"]
  }

  # worker/googlecompute-export
  post-processor "googlecompute-export" {
    keep_input_artifact = true

    account_file = "account.json"
    paths        = ["gs://images/worker.tar.gz"]
  }
}
