"""The URIs of code systems, and the other spellings under which they come."""

LOINC = "http://loinc.org"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10 = "http://hl7.org/fhir/sid/icd-10"  # of the WHO; in a code list it stands for every form of ICD-10
ICD10GM, ICD10AM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://hl7.org/fhir/sid/icd-10-am"
ICD9CM = "http://hl7.org/fhir/sid/icd-9-cm"
RXNORM, SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
ATC, ATC_GERMAN, UNII = "http://www.whocc.no/atc", "http://fhir.de/CodeSystem/bfarm/atc", "http://fdasis.nlm.nih.gov"
V3_ROUTE = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
V2_ROUTE = "http://terminology.hl7.org/CodeSystem/v2-0162"
EDQM, NCI = "http://standardterms.edqm.eu", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
UCUM = "http://unitsofmeasure.org"

# The OIDs of HL7's registry (facts, second part, §4), the URIs of STU3, and the former German ones. The OIDs of
# ICD-9-CM, UNII and the NCI Thesaurus, and the German URIs, are those of public documents and profiles.
_OTHER_SPELLINGS = {
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.90": ICD10CM,
    "urn:oid:2.16.840.1.113883.6.3": ICD10,
    "urn:oid:2.16.840.1.113883.6.103": ICD9CM,
    "urn:oid:2.16.840.1.113883.4.9": UNII,
    "urn:oid:2.16.840.1.113883.3.26.1.1": NCI,
    "http://fhir.de/CodeSystem/dimdi/icd-10-gm": ICD10GM,
    "http://fhir.de/CodeSystem/dimdi/atc": ATC_GERMAN,
    "urn:oid:2.16.840.1.113883.6.73": ATC,
    "urn:oid:0.4.0.127.0.16.1.1.2.1": EDQM,
    "urn:oid:2.16.840.1.113883.5.112": V3_ROUTE,
    "http://hl7.org/fhir/v3/RouteOfAdministration": V3_ROUTE,
    "http://hl7.org/fhir/v2/0162": V2_ROUTE,
}


def canonical_system(system: str) -> str:
    """The URI of a code system that is given by its OID or by a former URI; any other system as it is."""
    return _OTHER_SPELLINGS.get(system, system)
