SET allow_in_place_tablespaces = on;
CREATE ROLE fidelity_owner;
CREATE ROLE fidelity_reader;
CREATE ROLE fidelity_granter;
CREATE ROLE "Fidelity ""Ö""";
CREATE TABLESPACE fidelity_space LOCATION '';
CREATE TABLESPACE "Other Space" LOCATION '';
