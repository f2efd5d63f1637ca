packer {
  required_plugins {
    chef = {
      source  = "github.com/hashicorp/chef"
      version = ">= 1.0.2"
    }
    hyperv = {
      source  = "github.com/hashicorp/hyperv"
      version = ">= 1.1.4"
    }
    openstack = {
      source  = "github.com/hashicorp/openstack"
      version = ">= 1.1.4"
    }
  }
}

variable "environment" {
  type    = string
  default = "staging"
}

# database/openstack
source "openstack" "database" {
  domain_name       = "Default"
  flavor            = "m1.small"
  identity_endpoint = "https://keystone.example/v3"
  image_name        = "database"
  networks          = ["6ff8f4f5-0000-4000-8000-000000000001"]
  password          = "build"
  source_image_name = "CentOS-8"
  ssh_username      = "centos"
  tenant_name       = "build"
  username          = "build"
}

# database/hyperv-iso
source "hyperv-iso" "database" {
  enable_secure_boot = false
  generation         = 2
  iso_checksum       = "none"
  iso_url            = "https://software.example/centos.iso"
  ssh_password       = "root"
  ssh_username       = "root"
  switch_name        = "build"
}

# database
build {
  name    = "database"
  sources = ["source.openstack.database", "source.hyperv-iso.database"]

  # database/chef-solo
  provisioner "chef-solo" {
    only = ["openstack.database"]

    chef_license   = "accept"
    cookbook_paths = ["cookbooks"]
    run_list       = ["recipe[base]", "recipe[postgresql::server]"]
  }

  # database/chef-client
  provisioner "chef-client" {
    only = ["hyperv-iso.database"]

    chef_environment       = var.environment
    node_name              = "packer-{{ uuid }}"
    run_list               = ["role[database]"]
    server_url             = "https://chef.example/organizations/build"
    validation_client_name = "build-validator"
    validation_key_path    = "validator.pem"
  }
}
