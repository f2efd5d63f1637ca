"""Starts moto's server for tests. Instances get addresses in 127/8, where something real may listen; faults of moto's that stand in the way are mended.

launch.py PORT
"""
import itertools
import os
import sys

import moto.ec2.models.amis as amis
import moto.ec2.models.elastic_network_interfaces as interfaces
import moto.ec2.responses.amis as responses
import moto.ec2.utils as utils
import moto.server

numbers = itertools.count(1)
network = 50 + os.getpid() % 200


def loopback(*_args, **_kwargs):
    n = next(numbers)
    return f"127.{network}.{128 + (n >> 8) % 128}.{n % 255 or 1}"


utils.random_public_ip = loopback
interfaces.random_public_ip = loopback


def tag_snapshots(ami, specifications):
    for specification in specifications:
        if specification["ResourceType"] == "snapshot":
            for tag in specification["Tags"]:
                ami.ebs_snapshot.add_tag(tag["Key"], tag["Value"])


# CreateImage answers 500 to tags for snapshots, which AWS takes.
create = amis.AmiBackend.create_image


def create_image(self, instance_id, name, description, tag_specifications):
    ami = create(self, instance_id, name, description, [s for s in tag_specifications if s["ResourceType"] != "snapshot"])
    tag_snapshots(ami, tag_specifications)
    return ami


amis.AmiBackend.create_image = create_image

# CopyImage forgets the tags.
copy = responses.AmisResponse.copy_image


def copy_image(self):
    specifications = self._get_param("TagSpecifications", [])
    result = copy(self)
    ami = self.ec2_backend.amis[result.result["ImageId"]]
    for specification in specifications:
        if specification["ResourceType"] == "image":
            for tag in specification["Tags"]:
                ami.add_tag(tag["Key"], tag["Value"])
    tag_snapshots(ami, specifications)
    return result


responses.AmisResponse.copy_image = copy_image

moto.server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])
