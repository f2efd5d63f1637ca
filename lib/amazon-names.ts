/** What the image is called that an Amazon build starts from: our host values, and Packer's words for them. */
export const amazonNames: { readonly [host: string]: string } = {
  sourceAmi: 'SourceAMI', sourceAmiName: 'SourceAMIName', sourceAmiOwner: 'SourceAMIOwner', sourceAmiOwnerName: 'SourceAMIOwnerName', sourceAmiCreationDate: 'SourceAMICreationDate', buildRegion: 'BuildRegion',
};
